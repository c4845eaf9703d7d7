#ifndef PLUMB_TEXT_PATTERN_SYNTAX_H_
#define PLUMB_TEXT_PATTERN_SYNTAX_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumb {

// Rewrites a regular expression of Oniguruma's Ruby syntax, which tokenizer.json files are written in, as PCRE2's with
// the options UTF, UCP and MULTILINE. What PCRE2 would read otherwise is translated or refused, never passed on.
// Errors: kInvalidArgument, naming the construct and its byte.
absl::StatusOr<std::string> PcreFromOniguruma(absl::string_view expression);

}  // namespace plumb

#endif  // PLUMB_TEXT_PATTERN_SYNTAX_H_
