#ifndef PLUMB_TEXT_JINJA_PARSER_H_
#define PLUMB_TEXT_JINJA_PARSER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "text/jinja/syntax.h"

namespace plumb::jinja {

// Parses a template. Errors: kInvalidArgument with the place, also for tags that are not supported.
absl::StatusOr<Syntax> ParseTemplate(absl::string_view source);

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_PARSER_H_
