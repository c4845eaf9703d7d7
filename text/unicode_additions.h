#ifndef PLUMB_TEXT_UNICODE_ADDITIONS_H_
#define PLUMB_TEXT_UNICODE_ADDITIONS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

// Characters that came into Unicode with versions 15.0 to 16.0. The libraries of the supported systems know version 14
// (PCRE2 10.42) or 15 (utf8proc 2.8); Hugging Face tokenizers 0.23 knows 16. With a newer library these say the same
// twice.
namespace plumb {

// The added characters of a general category ("Lu") or of a group of them ("L"), as members of a PCRE2 class:
// "\x{1C89}\x{A7CB}-\x{A7CC}". Empty where there are none.
std::string AddedClassMembers(absl::string_view category);

// Whether the code point is an added one of the categories Nd, Nl or No; those of Unicode 17 too.
bool IsAddedNumeric(int32_t code_point);

}  // namespace plumb

#endif  // PLUMB_TEXT_UNICODE_ADDITIONS_H_
