#include "text/jinja/evaluator.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "text/jinja/filters.h"
#include "text/jinja/functions.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/value_tests.h"

namespace plumb::jinja {
namespace {

absl::Status CheckMacroArguments(const MacroNode& macro, const Arguments& arguments) {
  const std::vector<std::string>& known = macro.parameters;
  if (arguments.positional.size() > known.size()) {
    return absl::InvalidArgumentError(absl::StrCat("macro ", macro.name, ": ", arguments.positional.size(),
                                                   " arguments, expected ", known.size(), " at most"));
  }
  for (const auto& [name, value] : arguments.named) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return absl::InvalidArgumentError(absl::StrCat("macro ", macro.name, " has no parameter ", name));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Value> Evaluator::Evaluate(const Expression& expression, const Scope& scope) {
  const Budget::Level level(budget_);
  absl::Status limits = budget_.Spend(1);
  limits.Update(budget_.CheckDepth());
  absl::StatusOr<Value> value = limits.ok() ? EvaluateHere(expression, scope) : absl::StatusOr<Value>(limits);
  if (value.ok() || placed_) return value;
  placed_ = true;
  return Annotate(value.status(), absl::StrCat("line ", expression.place.line, ", column ", expression.place.column));
}

absl::StatusOr<Value> Evaluator::EvaluateHere(const Expression& expression, const Scope& scope) {
  switch (expression.kind) {
    case ExpressionKind::kConstant:
      return expression.value;
    case ExpressionKind::kName:
      return EvaluateName(expression, scope);
    case ExpressionKind::kList:
    case ExpressionKind::kTuple:
    case ExpressionKind::kDict:
      return EvaluateCollection(expression, scope);
    case ExpressionKind::kAnd:
    case ExpressionKind::kOr:
    case ExpressionKind::kNot:
    case ExpressionKind::kConditional:
      return EvaluateLogic(expression, scope);
    case ExpressionKind::kComparison:
      return EvaluateComparison(expression, scope);
    case ExpressionKind::kSlice:
      return EvaluateSlice(expression, scope);
    case ExpressionKind::kCall:
      return EvaluateCall(expression, scope);
    default:
      break;
  }
  ASSIGN_OR_RETURN(const Value first, Evaluate(*expression.children[0], scope));
  if (expression.kind == ExpressionKind::kUnary) return Unary(expression.name, first);
  if (expression.kind == ExpressionKind::kAttribute) return Attribute(first, expression.name);
  if (expression.kind == ExpressionKind::kFilter) return EvaluateFilter(expression, first, scope);
  if (first.is_text()) RETURN_IF_ERROR(Charge(first));
  if (expression.kind == ExpressionKind::kTest) {
    ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(expression, scope));
    for (const Value& argument : arguments.positional) {
      RETURN_IF_ERROR(budget_.SpendBytes(ComparisonWeight(first, argument)));
    }
    ASSIGN_OR_RETURN(const bool passes, FindTest(expression.name)(first, arguments));
    return Value::OfBool(passes);
  }
  ASSIGN_OR_RETURN(const Value second, Evaluate(*expression.children[1], scope));
  if (second.is_text()) RETURN_IF_ERROR(Charge(second));
  if (expression.kind == ExpressionKind::kItem) return Item(first, second);
  if (expression.name == "~" && !first.is_text()) RETURN_IF_ERROR(budget_.SpendBytes(PrintWeight(first)));
  const bool prints_second = expression.name == "~" || (expression.name == "%" && first.is_text());
  if (prints_second && !second.is_text()) RETURN_IF_ERROR(budget_.SpendBytes(PrintWeight(second)));
  ASSIGN_OR_RETURN(Value result, Binary(expression.name, first, second));
  RETURN_IF_ERROR(Charge(result));
  return result;
}

// Some filters do not read all of their input.
absl::StatusOr<Value> Evaluator::EvaluateFilter(const Expression& expression, const Value& input, const Scope& scope) {
  ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(expression, scope));
  constexpr absl::string_view kCheap[] = {"length", "count", "default", "d", "safe", "first", "last"};
  const bool is_cheap = std::find(std::begin(kCheap), std::end(kCheap), expression.name) != std::end(kCheap);
  if (!is_cheap || input.is_text()) {
    const bool iterates = FindListFilter(expression.name) != nullptr;
    RETURN_IF_ERROR(budget_.SpendBytes(iterates ? IterationWeight(input) : PrintWeight(input)));
  }
  ASSIGN_OR_RETURN(Value result, FindFilter(expression.name)(input, arguments));
  if (!is_cheap || result.is_text()) RETURN_IF_ERROR(Charge(result));
  return result;
}

absl::StatusOr<Value> Evaluator::EvaluateName(const Expression& expression, const Scope& scope) {
  const Value* found = scope.Find(expression.name);
  if (found != nullptr) return *found;
  if (IsFunction(expression.name)) return Value::OfFunction({expression.name});
  return Value::OfUndefined(absl::StrCat(expression.name, " is undefined"));
}

absl::StatusOr<Value> Evaluator::EvaluateCollection(const Expression& expression, const Scope& scope) {
  std::vector<Value> values;
  for (const ExpressionPointer& child : expression.children) {
    ASSIGN_OR_RETURN(Value value, Evaluate(*child, scope));
    values.push_back(std::move(value));
  }
  if (expression.kind != ExpressionKind::kDict) {
    return Value::OfList(std::move(values), expression.kind == ExpressionKind::kTuple);
  }
  std::vector<std::pair<Value, Value>> items;
  for (size_t i = 0; i < values.size(); i += 2) items.emplace_back(std::move(values[i]), std::move(values[i + 1]));
  return Value::OfDict(std::move(items));
}

absl::StatusOr<Value> Evaluator::EvaluateLogic(const Expression& expression, const Scope& scope) {
  const auto& children = expression.children;
  if (expression.kind == ExpressionKind::kConditional) {
    ASSIGN_OR_RETURN(const Value condition, Evaluate(*children[1], scope));
    if (condition.Truth()) return Evaluate(*children[0], scope);
    if (children[2] != nullptr) return Evaluate(*children[2], scope);
    return Value::OfUndefined("the condition is false and there is no else");
  }
  ASSIGN_OR_RETURN(Value left, Evaluate(*children[0], scope));
  if (expression.kind == ExpressionKind::kNot) return Value::OfBool(!left.Truth());
  const bool decided = left.Truth() == (expression.kind == ExpressionKind::kOr);
  if (decided) return left;
  return Evaluate(*children[1], scope);
}

absl::StatusOr<Value> Evaluator::EvaluateComparison(const Expression& expression, const Scope& scope) {
  ASSIGN_OR_RETURN(Value left, Evaluate(*expression.children[0], scope));
  for (size_t i = 0; i < expression.names.size(); ++i) {
    ASSIGN_OR_RETURN(Value right, Evaluate(*expression.children[i + 1], scope));
    RETURN_IF_ERROR(budget_.SpendBytes(ComparisonWeight(left, right)));
    ASSIGN_OR_RETURN(const bool holds, Compare(expression.names[i], left, right));
    if (!holds) return Value::OfBool(false);
    left = std::move(right);
  }
  return Value::OfBool(true);
}

absl::StatusOr<Value> Evaluator::EvaluateSlice(const Expression& expression, const Scope& scope) {
  Value parts[4] = {Value::OfNone(), Value::OfNone(), Value::OfNone(), Value::OfNone()};
  for (size_t i = 0; i < 4; ++i) {
    if (expression.children[i] == nullptr) continue;
    ASSIGN_OR_RETURN(parts[i], Evaluate(*expression.children[i], scope));
  }
  RETURN_IF_ERROR(Charge(parts[0]));
  return Slice(parts[0], parts[1], parts[2], parts[3]);
}

absl::StatusOr<Arguments> Evaluator::EvaluateArguments(const Expression& expression, const Scope& scope) {
  Arguments arguments;
  arguments.budget = &budget_;
  for (size_t i = 1; i < expression.children.size(); ++i) {
    ASSIGN_OR_RETURN(Value value, Evaluate(*expression.children[i], scope));
    if (value.is_text()) RETURN_IF_ERROR(Charge(value));
    arguments.positional.push_back(std::move(value));
  }
  for (const auto& [name, argument] : expression.named) {
    ASSIGN_OR_RETURN(Value value, Evaluate(*argument, scope));
    if (value.is_text()) RETURN_IF_ERROR(Charge(value));
    arguments.named.emplace_back(name, std::move(value));
  }
  return arguments;
}

absl::StatusOr<Value> Evaluator::EvaluateCall(const Expression& expression, const Scope& scope) {
  if (expression.children[0]->kind == ExpressionKind::kAttribute) return CallAttribute(expression, scope);
  ASSIGN_OR_RETURN(const Value callee, Evaluate(*expression.children[0], scope));
  ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(expression, scope));
  if (callee.is_undefined()) return UndefinedError(callee);
  if (!callee.is_function()) {
    return absl::InvalidArgumentError(absl::StrCat("a value of type ", callee.TypeName(), " cannot be called"));
  }
  return CallFunction(callee.function(), arguments);
}

// value.name(...) without a value for value.name itself.
absl::StatusOr<Value> Evaluator::CallAttribute(const Expression& expression, const Scope& scope) {
  const Expression& attribute = *expression.children[0];
  ASSIGN_OR_RETURN(const Value self, Evaluate(*attribute.children[0], scope));
  ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(expression, scope));
  if (self.is_undefined()) return UndefinedError(self);
  if (self.loop() != nullptr) {
    // loop.changed compares.
    for (const Value& argument : arguments.positional) RETURN_IF_ERROR(budget_.SpendBytes(argument.DeepWeight()));
    return CallLoopMethod(*self.loop(), attribute.name, arguments);
  }
  if (HasMethod(self, attribute.name)) return CallMethodOf(self, attribute.name, arguments);
  ASSIGN_OR_RETURN(const Value field, Attribute(self, attribute.name));
  if (field.is_function()) return CallFunction(field.function(), arguments);
  if (field.is_undefined()) return UndefinedError(field);
  return absl::InvalidArgumentError(absl::StrCat("a value of type ", field.TypeName(), " cannot be called"));
}

absl::StatusOr<Value> Evaluator::CallMethodOf(const Value& self, absl::string_view name, const Arguments& arguments) {
  // Looking a key up does not read the dict.
  if (name != "get") RETURN_IF_ERROR(Charge(self));
  // index and count of a list compare its members.
  if (self.list() != nullptr) RETURN_IF_ERROR(budget_.SpendBytes(self.DeepWeight()));
  for (const Value& argument : arguments.positional) {
    if (argument.list() != nullptr) RETURN_IF_ERROR(Charge(argument));
  }
  ASSIGN_OR_RETURN(Value result, CallMethod(self, name, arguments));
  if (name != "get") RETURN_IF_ERROR(Charge(result));
  return result;
}

absl::StatusOr<Value> Evaluator::CallFunction(const Function& function, const Arguments& arguments) {
  if (function.self != nullptr) return CallMethodOf(*function.self, function.name, arguments);
  if (function.macro != nullptr) {
    RETURN_IF_ERROR(CheckMacroArguments(*function.macro, arguments));
    absl::StatusOr<Value> text = call_macro_(*function.macro, arguments);
    // What failed inside of the macro has its place there.
    if (!text.ok()) placed_ = true;
    return text;
  }
  absl::StatusOr<Value> result = plumb::jinja::CallFunction(function.name, arguments);
  if (!result.ok() && function.name == "raise_exception") placed_ = true;
  if (result.ok()) RETURN_IF_ERROR(Charge(*result));
  return result;
}

}  // namespace plumb::jinja
