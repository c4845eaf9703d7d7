#include "text/jinja/renderer.h"

#include <utility>

#include "base/status_macros.h"

namespace plumb::jinja {
namespace {

absl::Status At(Place place, const absl::Status& status) {
  return status.ok() ? status : Annotate(status, absl::StrCat("line ", place.line, ", column ", place.column));
}

}  // namespace

Renderer::Renderer(const Syntax& syntax)
    : syntax_(syntax), root_(nullptr), evaluator_(budget_, [this](const MacroNode& macro, const Arguments& arguments) {
        return RunMacro(macro, arguments);
      }) {}

absl::Status Renderer::Render(const Dict& variables) {
  for (const auto& [name, value] : variables.items) root_.Set(name.text(), value);
  return RenderBlock(syntax_.body, root_).status();
}

absl::StatusOr<Renderer::Flow> Renderer::RenderBlock(const Block& block, Scope& scope) {
  for (const auto& statement : block) {
    ASSIGN_OR_RETURN(const Flow flow, RenderStatement(*statement, scope));
    if (flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

absl::StatusOr<Renderer::Flow> Renderer::RenderStatement(const Statement& statement, Scope& scope) {
  const Budget::Level level(budget_);
  RETURN_IF_ERROR(At(statement.place, budget_.Spend(1)));
  RETURN_IF_ERROR(At(statement.place, budget_.CheckDepth()));
  absl::Status status;
  switch (statement.kind) {
    case StatementKind::kIf:
      return RenderIf(statement, scope);
    case StatementKind::kFor:
      return RenderFor(statement, scope);
    case StatementKind::kWith:
      return RenderWith(statement, scope);
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
    case StatementKind::kText:
      status = Write(statement.text, statement.place);
      break;
    case StatementKind::kPrint:
    case StatementKind::kFilter:
      status = Print(statement, scope);
      break;
    case StatementKind::kSet:
    case StatementKind::kSetBlock:
      status = RenderSet(statement, scope);
      break;
    case StatementKind::kGeneration:
      status = RenderGeneration(statement, scope);
      break;
    case StatementKind::kDo:
      status = evaluator_.Evaluate(*statement.expression, scope).status();
      break;
    case StatementKind::kMacro:
      scope.Set(statement.macro.name, Value::OfFunction({statement.macro.name, &statement.macro}));
      break;
  }
  if (!status.ok()) return status;
  return Flow::kNormal;
}

absl::Status Renderer::Write(absl::string_view text, Place place) {
  RETURN_IF_ERROR(At(place, budget_.SpendBytes(static_cast<int64_t>(text.size()))));
  if (out_.size() + text.size() > kMaxTextBytes) return At(place, TextTooLarge());
  out_.append(text.data(), text.size());
  return absl::OkStatus();
}

absl::Status Renderer::Print(const Statement& statement, Scope& scope) {
  Value value;
  if (statement.kind == StatementKind::kFilter) {
    ASSIGN_OR_RETURN(value, CaptureFiltered(statement, scope));
  } else {
    ASSIGN_OR_RETURN(value, evaluator_.Evaluate(*statement.expression, scope));
  }
  if (value.is_text()) return Write(value.text(), statement.place);
  RETURN_IF_ERROR(At(statement.place, budget_.SpendBytes(PrintWeight(value))));
  const absl::StatusOr<std::string> text = ToText(value);
  return text.ok() ? Write(*text, statement.place) : At(statement.place, text.status());
}

absl::StatusOr<Renderer::Flow> Renderer::RenderIf(const Statement& statement, Scope& scope) {
  ASSIGN_OR_RETURN(const Value condition, evaluator_.Evaluate(*statement.expression, scope));
  return RenderBlock(condition.Truth() ? statement.body : statement.otherwise, scope);
}

// What is iterated, without the items that the loop's condition leaves out.
absl::StatusOr<std::vector<Value>> Renderer::LoopItems(const Statement& statement, Scope& scope) {
  ASSIGN_OR_RETURN(const Value iterated, evaluator_.Evaluate(*statement.expression, scope));
  RETURN_IF_ERROR(At(statement.place, budget_.SpendBytes(IterationWeight(iterated))));
  absl::StatusOr<std::vector<Value>> items = Iterate(iterated);
  if (!items.ok()) return ErrorAt(statement.place, items.status().message());
  if (statement.condition == nullptr) return items;
  std::vector<Value> kept;
  for (Value& item : *items) {
    Scope inner(&scope);
    RETURN_IF_ERROR(Assign(statement.target, item, statement.place, inner));
    ASSIGN_OR_RETURN(const Value condition, evaluator_.Evaluate(*statement.condition, inner));
    if (condition.Truth()) kept.push_back(std::move(item));
  }
  return kept;
}

absl::StatusOr<Renderer::Flow> Renderer::RenderFor(const Statement& statement, Scope& scope) {
  auto loop = std::make_shared<Loop>();
  ASSIGN_OR_RETURN(loop->items, LoopItems(statement, scope));
  if (loop->items.empty()) return RenderBlock(statement.otherwise, scope);
  loop->depth = ++loop_depth_;
  for (size_t i = 0; i < loop->items.size(); ++i) {
    loop->index = i;
    Scope inner(&scope);
    inner.Set("loop", Value::OfLoop(loop));
    RETURN_IF_ERROR(Assign(statement.target, loop->items[i], statement.place, inner));
    ASSIGN_OR_RETURN(const Flow flow, RenderBlock(statement.body, inner));
    if (flow == Flow::kBreak) break;
  }
  --loop_depth_;
  return Flow::kNormal;
}

absl::Status Renderer::RenderSet(const Statement& statement, Scope& scope) {
  Value value;
  if (statement.kind == StatementKind::kSetBlock) {
    ASSIGN_OR_RETURN(value, CaptureFiltered(statement, scope));
  } else {
    ASSIGN_OR_RETURN(value, evaluator_.Evaluate(*statement.expression, scope));
  }
  return Assign(statement.target, std::move(value), statement.place, scope);
}

absl::StatusOr<Renderer::Flow> Renderer::RenderWith(const Statement& statement, Scope& scope) {
  Scope inner(&scope);
  for (const auto& [target, expression] : statement.assignments) {
    ASSIGN_OR_RETURN(Value value, evaluator_.Evaluate(*expression, scope));
    RETURN_IF_ERROR(Assign(target, std::move(value), statement.place, inner));
  }
  return RenderBlock(statement.body, inner);
}

absl::Status Renderer::RenderGeneration(const Statement& statement, Scope& scope) {
  if (captures_ > 0) {
    return ErrorAt(statement.place, "a generation block inside of a macro, a set block or a filter block");
  }
  Scope inner(&scope);
  const auto begin = static_cast<int64_t>(out_.size());
  RETURN_IF_ERROR(RenderBlock(statement.body, inner).status());
  spans_.push_back({begin, static_cast<int64_t>(out_.size())});
  return absl::OkStatus();
}

absl::StatusOr<Value> Renderer::CaptureFiltered(const Statement& statement, Scope& scope) {
  Scope inner(&scope);
  ASSIGN_OR_RETURN(std::string text, Capture(statement.body, inner));
  Scope filtered(&scope);
  filtered.Set(kBlockValueName, Value::OfText(std::move(text)));
  return evaluator_.Evaluate(*statement.expression, filtered);
}

absl::StatusOr<std::string> Renderer::Capture(const Block& block, Scope& scope) {
  std::string outer = std::exchange(out_, std::string());
  ++captures_;
  const absl::Status status = RenderBlock(block, scope).status();
  --captures_;
  std::string captured = std::exchange(out_, std::move(outer));
  if (!status.ok()) return status;
  return captured;
}

absl::StatusOr<Value> Renderer::RunMacro(const MacroNode& macro, const Arguments& arguments) {
  Scope scope(&root_);
  const size_t first_default = macro.parameters.size() - macro.defaults.size();
  for (size_t i = 0; i < macro.parameters.size(); ++i) {
    const std::string& name = macro.parameters[i];
    const Value* given = arguments.Find(i, name);
    Value value = given != nullptr ? *given : Value::OfUndefined(absl::StrCat("parameter ", name, " was not given"));
    if (given == nullptr && i >= first_default) {
      ASSIGN_OR_RETURN(value, evaluator_.Evaluate(*macro.defaults[i - first_default], scope));
    }
    scope.Set(name, std::move(value));
  }
  ASSIGN_OR_RETURN(std::string text, Capture(macro.body, scope));
  return Value::OfText(std::move(text));
}

absl::Status Renderer::Assign(const Target& target, Value value, Place place, Scope& scope) {
  if (!target.field.empty()) {
    const Value* holder = scope.Find(target.names[0]);
    if (holder == nullptr || holder->name_space() == nullptr) {
      return ErrorAt(place, absl::StrCat(target.names[0], " is not a namespace"));
    }
    if (value.name_space() != nullptr || value.loop() != nullptr) {
      return ErrorAt(place, absl::StrCat("a ", value.TypeName(), " inside of a namespace is not supported"));
    }
    holder->name_space()->fields.insert_or_assign(target.field, std::move(value));
    return absl::OkStatus();
  }
  if (!target.unpacks) {
    scope.Set(target.names[0], std::move(value));
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(At(place, budget_.SpendBytes(IterationWeight(value))));
  const absl::StatusOr<std::vector<Value>> items = Iterate(value);
  if (!items.ok()) return ErrorAt(place, items.status().message());
  if (items->size() != target.names.size()) {
    return ErrorAt(place, absl::StrCat(items->size(), " values for ", target.names.size(), " names"));
  }
  for (size_t i = 0; i < items->size(); ++i) scope.Set(target.names[i], (*items)[i]);
  return absl::OkStatus();
}

}  // namespace plumb::jinja
