#ifndef PLUMB_TEXT_JINJA_METHODS_H_
#define PLUMB_TEXT_JINJA_METHODS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace plumb::jinja {

// Whether values of this type have the method; those that change a list or a dict do not count.
bool HasMethod(const Value& value, absl::string_view name);

// Calls a method of str, dict or list. Errors: kInvalidArgument; kResourceExhausted.
absl::StatusOr<Value> CallMethod(const Value& value, absl::string_view name, const Arguments& arguments);

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_METHODS_H_
