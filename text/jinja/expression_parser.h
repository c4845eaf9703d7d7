#ifndef PLUMB_TEXT_JINJA_EXPRESSION_PARSER_H_
#define PLUMB_TEXT_JINJA_EXPRESSION_PARSER_H_

#include "absl/status/statusor.h"
#include "text/jinja/syntax.h"
#include "text/jinja/token_stream.h"

namespace plumb::jinja {

// Reads expressions with Jinja's precedences. Errors of all: kInvalidArgument with the place; also for a filter or a
// test that does not exist.
class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  absl::StatusOr<ExpressionPointer> Parse();
  // Also `a, b`. `with_conditional` false leaves `if` to the caller, as behind `for x in`.
  absl::StatusOr<ExpressionPointer> ParseTuple(bool with_conditional = true);
  // Filters applied to `input`.
  absl::StatusOr<ExpressionPointer> ParseFilters(ExpressionPointer input);
  // The same where the first filter stands without a bar in front.
  absl::StatusOr<ExpressionPointer> ParseFirstFilter(ExpressionPointer input);

 private:
  using Rule = absl::StatusOr<ExpressionPointer> (ExpressionParser::*)();
  absl::StatusOr<ExpressionPointer> ParseConditional();
  absl::StatusOr<ExpressionPointer> ParseOr();
  absl::StatusOr<ExpressionPointer> ParseAnd();
  absl::StatusOr<ExpressionPointer> ParseNot();
  absl::StatusOr<ExpressionPointer> ParseComparison();
  absl::StatusOr<ExpressionPointer> ParseSum();
  absl::StatusOr<ExpressionPointer> ParseConcatenation();
  absl::StatusOr<ExpressionPointer> ParseProduct();
  absl::StatusOr<ExpressionPointer> ParsePower();
  absl::StatusOr<ExpressionPointer> ParseUnaryWithFilters();
  absl::StatusOr<ExpressionPointer> ParseUnary();
  absl::StatusOr<ExpressionPointer> ParsePrimary();
  absl::StatusOr<ExpressionPointer> ParsePostfix(ExpressionPointer base);
  absl::StatusOr<ExpressionPointer> ParseSubscript(ExpressionPointer base);
  absl::StatusOr<ExpressionPointer> ParseFilter(ExpressionPointer input, Place place);
  absl::StatusOr<ExpressionPointer> ParseTest(ExpressionPointer input);
  absl::StatusOr<ExpressionPointer> ParseBracketed();
  absl::StatusOr<ExpressionPointer> ParseDict();
  absl::StatusOr<ExpressionPointer> ParseBinary(Rule operand, std::initializer_list<absl::string_view> operators);
  absl::Status ParseArguments(Expression* call);
  bool TestArgumentFollows() const;

  TokenStream& tokens_;
};

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_EXPRESSION_PARSER_H_
