#ifndef PLUMB_TOOLS_REPORT_HTML_TEXT_H_
#define PLUMB_TOOLS_REPORT_HTML_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace plumb {

// The text as it may stand between tags and in quoted attributes: & < > " ' are written as entities, and control
// characters other than tab and line feed as U+FFFD.
std::string EscapeHtml(absl::string_view text);

// A number for people: `digits` significant digits, thousands as 12.3k, tiny ones as 1.2e-06. NaN gives "-".
std::string ShortNumber(double value, int digits = 4);

// 0.5781 gives "57.8 %".
std::string Percent(double share);

}  // namespace plumb

#endif  // PLUMB_TOOLS_REPORT_HTML_TEXT_H_
