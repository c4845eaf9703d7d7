#ifndef PLUMB_TEXT_JINJA_SCOPE_H_
#define PLUMB_TEXT_JINJA_SCOPE_H_

#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "text/jinja/value.h"

namespace plumb::jinja {

// The names that a place in a template sees: its own and those of the scopes around.
class Scope {
 public:
  explicit Scope(const Scope* parent) : parent_(parent) {}

  void Set(const std::string& name, Value value) { names_.insert_or_assign(name, std::move(value)); }
  // Null where no scope has it.
  const Value* Find(const std::string& name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent_) {
      const auto found = scope->names_.find(name);
      if (found != scope->names_.end()) return &found->second;
    }
    return nullptr;
  }

 private:
  const Scope* const parent_;
  absl::flat_hash_map<std::string, Value> names_;
};

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_SCOPE_H_
