#ifndef PLUMB_TEXT_JINJA_SCOPE_H_
#define PLUMB_TEXT_JINJA_SCOPE_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "text/jinja/lexer.h"
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

// What one rendering may still spend, so that no template runs or grows without end.
class Budget {
 public:
  static constexpr int64_t kMaxSteps = 10'000'000;
  static constexpr int kMaxDepth = 400;

  // Errors of both: kResourceExhausted with the place.
  absl::Status Spend(int64_t steps, Place place) {
    steps_ += steps;
    if (steps_ <= kMaxSteps) return absl::OkStatus();
    return absl::ResourceExhaustedError(absl::StrCat("line ", place.line, ", column ", place.column,
                                                     ": the template takes more than ", kMaxSteps, " steps"));
  }
  absl::Status CheckDepth(Place place) const {
    if (depth_ <= kMaxDepth) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat("line ", place.line, ", column ", place.column, ": recursion deeper than ", kMaxDepth));
  }

  // Counts a level of recursion while it lives.
  class Level {
   public:
    explicit Level(Budget& budget) : budget_(budget) { ++budget_.depth_; }
    ~Level() { --budget_.depth_; }

   private:
    Budget& budget_;
  };

 private:
  int64_t steps_ = 0;
  int depth_ = 0;
};

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_SCOPE_H_
