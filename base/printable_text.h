#ifndef PLUMB_BASE_PRINTABLE_TEXT_H_
#define PLUMB_BASE_PRINTABLE_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

// Text of others, such as the names in a model folder, on its way to a terminal: control characters would move the
// cursor, recolour or retitle the window.
namespace plumb {

// The text with every control character (C0, DEL, C1) but line feed and tab written as \x1b.
std::string PrintableText(absl::string_view text);

// The same, line feed and tab too: what is one line stays one.
std::string PrintableLine(absl::string_view text);

}  // namespace plumb

#endif  // PLUMB_BASE_PRINTABLE_TEXT_H_
