#ifndef PLUMB_TEXT_JINJA_VALUE_TESTS_H_
#define PLUMB_TEXT_JINJA_VALUE_TESTS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace plumb::jinja {

// A test of Jinja, such as `defined` in `x is defined`. Errors: kInvalidArgument.
using Test = absl::StatusOr<bool> (*)(const Value& value, const Arguments& arguments);

// Null where there is none of this name.
Test FindTest(absl::string_view name);

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_VALUE_TESTS_H_
