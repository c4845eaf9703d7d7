#ifndef PLUMB_TEXT_JINJA_OPERATORS_H_
#define PLUMB_TEXT_JINJA_OPERATORS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "text/jinja/value.h"

// Python's operators. Errors of all: kInvalidArgument for types that do not fit, undefined values, division by zero and
// integers beyond 64 bits; kResourceExhausted.
namespace plumb::jinja {

absl::StatusOr<Value> Unary(absl::string_view op, const Value& operand);
// + - * / // % ** ~
absl::StatusOr<Value> Binary(absl::string_view op, const Value& left, const Value& right);
// == != < <= > >= in, not in
absl::StatusOr<bool> Compare(absl::string_view op, const Value& left, const Value& right);
// Bytes that comparing the two, or looking for the one in the other, may read.
int64_t ComparisonWeight(const Value& left, const Value& right);
// value[key] and value.name: undefined where there is none. As in Jinja, value.name is first of all a method of the
// value's type, and value["name"] is one where there is no such key.
absl::StatusOr<Value> Item(const Value& value, const Value& key);
absl::StatusOr<Value> Attribute(const Value& value, absl::string_view name);
// value[start:stop:step]; parts may be none.
absl::StatusOr<Value> Slice(const Value& value, const Value& start, const Value& stop, const Value& step);
// The error that using an undefined value is.
absl::Status UndefinedError(const Value& undefined);

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_OPERATORS_H_
