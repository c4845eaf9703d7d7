#ifndef PLUMB_TEXT_JINJA_PYTHON_FORMAT_H_
#define PLUMB_TEXT_JINJA_PYTHON_FORMAT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "text/jinja/value.h"

namespace plumb::jinja {

// format % arguments, with %s %r %d %i %f %e %g %x %o %% and their flags, widths and precisions.
// Errors: kInvalidArgument; kResourceExhausted.
absl::StatusOr<Value> FormatPercent(absl::string_view format, const std::vector<Value>& arguments);

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_PYTHON_FORMAT_H_
