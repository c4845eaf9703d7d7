#ifndef PLUMB_TEXT_JINJA_ARGUMENTS_H_
#define PLUMB_TEXT_JINJA_ARGUMENTS_H_

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "text/jinja/budget.h"
#include "text/jinja/value.h"

namespace plumb::jinja {

// The arguments of a call, a filter or a test, and what the callee spends its work from.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
  Budget* budget = nullptr;  // null: unlimited

  // The argument by place or by name; null where it is not given.
  const Value* Find(size_t place, absl::string_view name) const;
  // Errors of all: kInvalidArgument for another type, or where there is no fallback and no argument.
  absl::StatusOr<int64_t> Int(size_t place, absl::string_view name, int64_t fallback) const;
  absl::StatusOr<std::string> Text(size_t place, absl::string_view name) const;
  absl::StatusOr<std::string> Text(size_t place, absl::string_view name, absl::string_view fallback) const;
  bool Truth(size_t place, absl::string_view name, bool fallback) const;
  // Refuses arguments that the callee does not know, those that it lacks are its own affair.
  absl::Status Allow(size_t max_positional, std::initializer_list<absl::string_view> names) const;
  // Pays for reading or making `value`, or for `weight` bytes. Errors of both: kResourceExhausted.
  absl::Status Spend(const Value& value) const { return SpendBytes(value.Weight()); }
  absl::Status SpendBytes(int64_t weight) const;
};

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_ARGUMENTS_H_
