#ifndef PLUMB_TEXT_JINJA_EVALUATOR_H_
#define PLUMB_TEXT_JINJA_EVALUATOR_H_

#include <functional>

#include "absl/status/statusor.h"
#include "text/jinja/arguments.h"
#include "text/jinja/budget.h"
#include "text/jinja/scope.h"
#include "text/jinja/syntax.h"

namespace plumb::jinja {

// Calls a macro of the template with arguments that fit its parameters.
using CallMacro = std::function<absl::StatusOr<Value>(const MacroNode& macro, const Arguments& arguments)>;

// Computes expressions. Errors: kInvalidArgument with the place, or with the bare message of raise_exception;
// kResourceExhausted.
class Evaluator {
 public:
  Evaluator(Budget& budget, CallMacro call_macro) : budget_(budget), call_macro_(std::move(call_macro)) {}

  absl::StatusOr<Value> Evaluate(const Expression& expression, const Scope& scope);

 private:
  absl::StatusOr<Value> EvaluateHere(const Expression& expression, const Scope& scope);
  absl::StatusOr<Value> EvaluateName(const Expression& expression, const Scope& scope);
  absl::StatusOr<Value> EvaluateCollection(const Expression& expression, const Scope& scope);
  absl::StatusOr<Value> EvaluateLogic(const Expression& expression, const Scope& scope);
  absl::StatusOr<Value> EvaluateComparison(const Expression& expression, const Scope& scope);
  absl::StatusOr<Value> EvaluateSlice(const Expression& expression, const Scope& scope);
  absl::StatusOr<Value> EvaluateCall(const Expression& expression, const Scope& scope);
  absl::StatusOr<Value> CallAttribute(const Expression& expression, const Scope& scope);
  absl::StatusOr<Value> CallMethodOf(const Value& self, absl::string_view name, const Arguments& arguments);
  absl::StatusOr<Value> CallFunction(const Function& function, const Arguments& arguments);
  absl::StatusOr<Arguments> EvaluateArguments(const Expression& expression, const Scope& scope);
  absl::StatusOr<Value> EvaluateFilter(const Expression& expression, const Value& input, const Scope& scope);
  absl::Status Charge(const Value& value) { return budget_.SpendBytes(value.Weight()); }

  Budget& budget_;
  const CallMacro call_macro_;
  bool placed_ = false;  // the error on its way out has its place, or shall have none
};

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_EVALUATOR_H_
