#include "text/jinja/arguments.h"

#include <algorithm>

namespace plumb::jinja {

const Value* Arguments::Find(size_t place, absl::string_view name) const {
  if (place < positional.size()) return &positional[place];
  for (const auto& [own, value] : named) {
    if (own == name) return &value;
  }
  return nullptr;
}

absl::StatusOr<int64_t> Arguments::Int(size_t place, absl::string_view name, int64_t fallback) const {
  const Value* value = Find(place, name);
  if (value == nullptr || value->is_none()) return fallback;
  if (value->is_integral()) return value->integer();
  return absl::InvalidArgumentError(absl::StrCat(name, " is of type ", value->TypeName(), ", expected int"));
}

absl::StatusOr<std::string> Arguments::Text(size_t place, absl::string_view name) const {
  const Value* value = Find(place, name);
  if (value == nullptr) return absl::InvalidArgumentError(absl::StrCat("the argument ", name, " is missing"));
  if (value->is_text()) return value->text();
  return absl::InvalidArgumentError(absl::StrCat(name, " is of type ", value->TypeName(), ", expected str"));
}

absl::StatusOr<std::string> Arguments::Text(size_t place, absl::string_view name, absl::string_view fallback) const {
  if (Find(place, name) == nullptr) return std::string(fallback.data(), fallback.size());
  return Text(place, name);
}

bool Arguments::Truth(size_t place, absl::string_view name, bool fallback) const {
  const Value* value = Find(place, name);
  return value == nullptr ? fallback : value->Truth();
}

absl::Status Arguments::Allow(size_t max_positional, std::initializer_list<absl::string_view> names) const {
  if (positional.size() > max_positional) {
    return absl::InvalidArgumentError(
        absl::StrCat(positional.size(), " arguments, expected ", max_positional, " at most"));
  }
  for (const auto& [name, value] : named) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return absl::InvalidArgumentError(absl::StrCat("there is no argument ", name));
    }
  }
  return absl::OkStatus();
}

absl::Status Arguments::SpendBytes(int64_t weight) const {
  return budget == nullptr ? absl::OkStatus() : budget->SpendBytes(weight);
}

}  // namespace plumb::jinja
