#ifndef PLUMB_TEXT_JINJA_FUNCTIONS_H_
#define PLUMB_TEXT_JINJA_FUNCTIONS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace plumb::jinja {

// The functions that templates find by name: range, namespace, dict, raise_exception, strftime_now.
bool IsFunction(absl::string_view name);

// Errors: kInvalidArgument; of raise_exception its message and nothing else; kResourceExhausted.
absl::StatusOr<Value> CallFunction(absl::string_view name, const Arguments& arguments);

// loop.cycle(...) and loop.changed(...).
absl::StatusOr<Value> CallLoopMethod(Loop& loop, absl::string_view name, const Arguments& arguments);

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_FUNCTIONS_H_
