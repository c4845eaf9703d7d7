#include "text/jinja/expression_parser.h"

#include <utility>

#include "base/status_macros.h"
#include "text/jinja/filters.h"
#include "text/jinja/value_tests.h"

namespace plumb::jinja {
namespace {

constexpr int kMaxExpressionDepth = 300;

ExpressionPointer Make(ExpressionKind kind, Place place) {
  auto expression = std::make_unique<Expression>();
  expression->kind = kind;
  expression->place = place;
  return expression;
}

ExpressionPointer MakeWith(ExpressionKind kind, Place place, ExpressionPointer first) {
  ExpressionPointer expression = Make(kind, place);
  expression->Add(std::move(first));
  return expression;
}

// Chains such as a + a + a ... are deep trees too.
absl::Status CheckDepth(const Expression& expression) {
  if (expression.depth <= kMaxExpressionDepth) return absl::OkStatus();
  return ErrorAt(expression.place, "the expression is too long");
}

}  // namespace

absl::StatusOr<ExpressionPointer> ExpressionParser::Parse() { return ParseConditional(); }

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseTuple(bool with_conditional) {
  const Rule item = with_conditional ? &ExpressionParser::ParseConditional : &ExpressionParser::ParseOr;
  const Place place = tokens_.Peek().place;
  ASSIGN_OR_RETURN(ExpressionPointer first, (this->*item)());
  if (!tokens_.IsOperator(",")) return first;
  ExpressionPointer tuple = MakeWith(ExpressionKind::kTuple, place, std::move(first));
  while (tokens_.SkipOperator(",")) {
    const bool ends = tokens_.IsKind(TokenKind::kBlockEnd) || tokens_.IsKind(TokenKind::kPrintEnd) ||
                      tokens_.IsOperator(")") || tokens_.IsName("if");
    if (ends) break;
    ASSIGN_OR_RETURN(ExpressionPointer next, (this->*item)());
    tuple->Add(std::move(next));
  }
  return tuple;
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseConditional() {
  const TokenStream::Level level(tokens_);
  RETURN_IF_ERROR(level.Check());
  ASSIGN_OR_RETURN(ExpressionPointer result, ParseOr());
  while (tokens_.IsName("if")) {
    ExpressionPointer choice = MakeWith(ExpressionKind::kConditional, tokens_.Next().place, std::move(result));
    ASSIGN_OR_RETURN(ExpressionPointer condition, ParseOr());
    choice->Add(std::move(condition));
    ExpressionPointer otherwise;
    if (tokens_.SkipName("else")) {
      ASSIGN_OR_RETURN(otherwise, ParseConditional());
    }
    choice->Add(std::move(otherwise));
    RETURN_IF_ERROR(CheckDepth(*choice));
    result = std::move(choice);
  }
  return result;
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseOr() {
  ASSIGN_OR_RETURN(ExpressionPointer left, ParseAnd());
  while (tokens_.IsName("or")) {
    left = MakeWith(ExpressionKind::kOr, tokens_.Next().place, std::move(left));
    ASSIGN_OR_RETURN(ExpressionPointer right, ParseAnd());
    left->Add(std::move(right));
    RETURN_IF_ERROR(CheckDepth(*left));
  }
  return left;
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseAnd() {
  ASSIGN_OR_RETURN(ExpressionPointer left, ParseNot());
  while (tokens_.IsName("and")) {
    left = MakeWith(ExpressionKind::kAnd, tokens_.Next().place, std::move(left));
    ASSIGN_OR_RETURN(ExpressionPointer right, ParseNot());
    left->Add(std::move(right));
    RETURN_IF_ERROR(CheckDepth(*left));
  }
  return left;
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseNot() {
  if (!tokens_.IsName("not")) return ParseComparison();
  const TokenStream::Level level(tokens_);
  RETURN_IF_ERROR(level.Check());
  const Place place = tokens_.Next().place;
  ASSIGN_OR_RETURN(ExpressionPointer operand, ParseNot());
  return MakeWith(ExpressionKind::kNot, place, std::move(operand));
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseComparison() {
  ASSIGN_OR_RETURN(ExpressionPointer left, ParseSum());
  ExpressionPointer comparison;
  while (true) {
    const Place place = tokens_.Peek().place;
    std::string name;
    for (const char* op : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (name.empty() && tokens_.SkipOperator(op)) name = op;
    }
    if (name.empty() && tokens_.SkipName("in")) name = "in";
    if (name.empty() && tokens_.IsName("not") && tokens_.Peek(1).text == "in") {
      tokens_.Next();
      tokens_.Next();
      name = "not in";
    }
    if (name.empty()) return comparison != nullptr ? std::move(comparison) : std::move(left);
    if (comparison == nullptr) comparison = MakeWith(ExpressionKind::kComparison, place, std::move(left));
    comparison->names.push_back(std::move(name));
    ASSIGN_OR_RETURN(ExpressionPointer right, ParseSum());
    comparison->Add(std::move(right));
  }
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseBinary(Rule operand,
                                                                std::initializer_list<absl::string_view> operators) {
  ASSIGN_OR_RETURN(ExpressionPointer left, (this->*operand)());
  while (true) {
    const auto* found =
        std::find_if(operators.begin(), operators.end(), [&](absl::string_view op) { return tokens_.IsOperator(op); });
    if (found == operators.end()) return left;
    left = MakeWith(ExpressionKind::kBinary, tokens_.Next().place, std::move(left));
    left->name = std::string(found->data(), found->size());
    ASSIGN_OR_RETURN(ExpressionPointer right, (this->*operand)());
    left->Add(std::move(right));
    RETURN_IF_ERROR(CheckDepth(*left));
  }
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseSum() {
  return ParseBinary(&ExpressionParser::ParseConcatenation, {"+", "-"});
}
absl::StatusOr<ExpressionPointer> ExpressionParser::ParseConcatenation() {
  return ParseBinary(&ExpressionParser::ParseProduct, {"~"});
}
absl::StatusOr<ExpressionPointer> ExpressionParser::ParseProduct() {
  return ParseBinary(&ExpressionParser::ParsePower, {"*", "/", "//", "%"});
}
// Jinja's power is left-associative and binds less than a sign in front.
absl::StatusOr<ExpressionPointer> ExpressionParser::ParsePower() {
  return ParseBinary(&ExpressionParser::ParseUnaryWithFilters, {"**"});
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseUnaryWithFilters() {
  ASSIGN_OR_RETURN(ExpressionPointer operand, ParseUnary());
  return ParseFilters(std::move(operand));
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseUnary() {
  const TokenStream::Level level(tokens_);
  RETURN_IF_ERROR(level.Check());
  for (const char* sign : {"-", "+"}) {
    if (!tokens_.IsOperator(sign)) continue;
    const Place place = tokens_.Next().place;
    ASSIGN_OR_RETURN(ExpressionPointer operand, ParseUnary());
    ExpressionPointer result = MakeWith(ExpressionKind::kUnary, place, std::move(operand));
    result->name = sign;
    return result;
  }
  ASSIGN_OR_RETURN(ExpressionPointer primary, ParsePrimary());
  return ParsePostfix(std::move(primary));
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParsePrimary() {
  const Token& token = tokens_.Peek();
  ExpressionPointer result = Make(ExpressionKind::kConstant, token.place);
  switch (token.kind) {
    case TokenKind::kString: {
      std::string text;
      while (tokens_.IsKind(TokenKind::kString)) text += tokens_.Next().text;
      result->value = Value::OfText(std::move(text));
      return result;
    }
    case TokenKind::kInteger:
      result->value = Value::OfInt(tokens_.Next().integer);
      return result;
    case TokenKind::kFloat:
      result->value = Value::OfFloat(tokens_.Next().number);
      return result;
    case TokenKind::kName:
      break;
    default:
      return ParseBracketed();
  }
  const std::string& name = tokens_.Next().text;
  if (name == "true" || name == "True" || name == "false" || name == "False") {
    result->value = Value::OfBool(name == "true" || name == "True");
  } else if (name == "none" || name == "None") {
    result->value = Value::OfNone();
  } else {
    result->kind = ExpressionKind::kName;
    result->name = name;
  }
  return result;
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseBracketed() {
  const Place place = tokens_.Peek().place;
  if (tokens_.IsOperator("{")) return ParseDict();
  if (tokens_.SkipOperator("(")) {
    if (tokens_.SkipOperator(")")) return Make(ExpressionKind::kTuple, place);
    ASSIGN_OR_RETURN(ExpressionPointer inner, ParseTuple());
    RETURN_IF_ERROR(tokens_.ExpectOperator(")"));
    return inner;
  }
  if (!tokens_.SkipOperator("[")) return tokens_.Unexpected("an expression");
  ExpressionPointer list = Make(ExpressionKind::kList, place);
  while (!tokens_.SkipOperator("]")) {
    if (!list->children.empty()) RETURN_IF_ERROR(tokens_.ExpectOperator(","));
    if (tokens_.SkipOperator("]")) break;
    ASSIGN_OR_RETURN(ExpressionPointer item, Parse());
    list->Add(std::move(item));
  }
  return list;
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseDict() {
  ExpressionPointer dict = Make(ExpressionKind::kDict, tokens_.Next().place);
  while (!tokens_.SkipOperator("}")) {
    if (!dict->children.empty()) RETURN_IF_ERROR(tokens_.ExpectOperator(","));
    if (tokens_.SkipOperator("}")) break;
    ASSIGN_OR_RETURN(ExpressionPointer key, Parse());
    RETURN_IF_ERROR(tokens_.ExpectOperator(":"));
    ASSIGN_OR_RETURN(ExpressionPointer value, Parse());
    dict->Add(std::move(key));
    dict->Add(std::move(value));
  }
  return dict;
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParsePostfix(ExpressionPointer base) {
  while (true) {
    RETURN_IF_ERROR(CheckDepth(*base));
    if (tokens_.IsOperator("(")) {
      base = MakeWith(ExpressionKind::kCall, tokens_.Peek().place, std::move(base));
      RETURN_IF_ERROR(ParseArguments(base.get()));
    } else if (tokens_.IsOperator("[")) {
      ASSIGN_OR_RETURN(base, ParseSubscript(std::move(base)));
    } else if (tokens_.IsOperator(".")) {
      base = MakeWith(ExpressionKind::kAttribute, tokens_.Next().place, std::move(base));
      if (tokens_.IsKind(TokenKind::kInteger)) {
        base->kind = ExpressionKind::kItem;
        base->Add(Make(ExpressionKind::kConstant, base->place));
        base->children[1]->value = Value::OfInt(tokens_.Next().integer);
        continue;
      }
      if (!tokens_.IsKind(TokenKind::kName)) return tokens_.Unexpected("a name behind '.'");
      base->name = tokens_.Next().text;
    } else {
      return base;
    }
  }
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseSubscript(ExpressionPointer base) {
  ExpressionPointer result = MakeWith(ExpressionKind::kItem, tokens_.Next().place, std::move(base));
  ExpressionPointer part;
  while (!tokens_.SkipOperator("]")) {
    if (tokens_.SkipOperator(":")) {
      result->kind = ExpressionKind::kSlice;
      result->Add(std::move(part));
      part = nullptr;
      continue;
    }
    if (part != nullptr) return tokens_.Unexpected("]");
    ASSIGN_OR_RETURN(part, ParseTuple());
  }
  const bool is_slice = result->kind == ExpressionKind::kSlice;
  if (!is_slice && part == nullptr) return ErrorAt(result->place, "empty subscript");
  result->Add(std::move(part));
  if (result->children.size() > 4) return ErrorAt(result->place, "a slice has at most three parts");
  if (is_slice) result->children.resize(4);
  return result;
}

absl::Status ExpressionParser::ParseArguments(Expression* call) {
  RETURN_IF_ERROR(tokens_.ExpectOperator("("));
  bool first = true;
  while (!tokens_.SkipOperator(")")) {
    if (!first) RETURN_IF_ERROR(tokens_.ExpectOperator(","));
    first = false;
    if (tokens_.SkipOperator(")")) break;
    if (tokens_.IsOperator("*") || tokens_.IsOperator("**")) {
      return ErrorAt(tokens_.Peek().place, "unpacked arguments (*, **) are not supported");
    }
    std::string name;
    if (tokens_.IsKind(TokenKind::kName) && tokens_.Peek(1).kind == TokenKind::kOperator &&
        tokens_.Peek(1).text == "=") {
      name = tokens_.Next().text;
      tokens_.Next();
    }
    if (name.empty() && !call->named.empty()) return tokens_.Unexpected("an argument with a name");
    ASSIGN_OR_RETURN(ExpressionPointer argument, Parse());
    if (name.empty()) {
      call->Add(std::move(argument));
    } else {
      call->depth = std::max(call->depth, argument->depth + 1);
      call->named.emplace_back(std::move(name), std::move(argument));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseFilters(ExpressionPointer input) {
  while (true) {
    RETURN_IF_ERROR(CheckDepth(*input));
    if (tokens_.IsOperator("|")) {
      const Place place = tokens_.Next().place;
      ASSIGN_OR_RETURN(input, ParseFilter(std::move(input), place));
    } else if (tokens_.IsName("is")) {
      ASSIGN_OR_RETURN(input, ParseTest(std::move(input)));
    } else {
      return input;
    }
  }
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseFirstFilter(ExpressionPointer input) {
  ASSIGN_OR_RETURN(input, ParseFilter(std::move(input), tokens_.Peek().place));
  return ParseFilters(std::move(input));
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseFilter(ExpressionPointer input, Place place) {
  ExpressionPointer filter = MakeWith(ExpressionKind::kFilter, place, std::move(input));
  if (!tokens_.IsKind(TokenKind::kName)) return tokens_.Unexpected("the name of a filter");
  filter->name = tokens_.Next().text;
  if (FindFilter(filter->name) == nullptr) {
    return ErrorAt(filter->place, absl::StrCat("there is no filter ", filter->name));
  }
  if (tokens_.IsOperator("(")) RETURN_IF_ERROR(ParseArguments(filter.get()));
  return filter;
}

bool ExpressionParser::TestArgumentFollows() const {
  const Token& token = tokens_.Peek();
  switch (token.kind) {
    case TokenKind::kString:
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return true;
    case TokenKind::kName:
      return token.text != "else" && token.text != "or" && token.text != "and" && token.text != "is" &&
             token.text != "if" && token.text != "in" && token.text != "not";
    default:
      return token.kind == TokenKind::kOperator && (token.text == "[" || token.text == "{");
  }
}

absl::StatusOr<ExpressionPointer> ExpressionParser::ParseTest(ExpressionPointer input) {
  const Place place = tokens_.Next().place;
  const bool negated = tokens_.SkipName("not");
  ExpressionPointer test = MakeWith(ExpressionKind::kTest, place, std::move(input));
  if (!tokens_.IsKind(TokenKind::kName)) return tokens_.Unexpected("the name of a test");
  test->name = tokens_.Next().text;
  if (FindTest(test->name) == nullptr) return ErrorAt(place, absl::StrCat("there is no test ", test->name));
  if (tokens_.IsOperator("(")) {
    RETURN_IF_ERROR(ParseArguments(test.get()));
  } else if (TestArgumentFollows()) {
    ASSIGN_OR_RETURN(ExpressionPointer argument, ParsePrimary());
    ASSIGN_OR_RETURN(argument, ParsePostfix(std::move(argument)));
    test->Add(std::move(argument));
  }
  if (!negated) return test;
  return MakeWith(ExpressionKind::kNot, place, std::move(test));
}

}  // namespace plumb::jinja
