#include "text/jinja/parser.h"

#include <initializer_list>
#include <utility>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "text/jinja/expression_parser.h"
#include "text/jinja/token_stream.h"

namespace plumb::jinja {
namespace {

using StatementPointer = std::unique_ptr<Statement>;

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)), expressions_(tokens_) {}

  absl::StatusOr<Syntax> Run() {
    Syntax syntax;
    RETURN_IF_ERROR(ParseBlock({}, &syntax.body));
    syntax.has_generation = has_generation_;
    return syntax;
  }

 private:
  bool AtTag(absl::string_view name) const {
    return tokens_.IsKind(TokenKind::kBlockBegin) && tokens_.Peek(1).kind == TokenKind::kName &&
           tokens_.Peek(1).text == name;
  }

  // Reads statements up to a tag of `ends`, which stays; without `ends` up to the end of the template.
  absl::Status ParseBlock(std::initializer_list<absl::string_view> ends, Block* block) {
    const TokenStream::Level level(tokens_);
    RETURN_IF_ERROR(level.Check());
    while (!tokens_.IsKind(TokenKind::kEnd)) {
      for (const absl::string_view end : ends) {
        if (AtTag(end)) return absl::OkStatus();
      }
      ASSIGN_OR_RETURN(StatementPointer statement, ParseStatement());
      block->push_back(std::move(statement));
    }
    if (ends.size() == 0) return absl::OkStatus();
    return tokens_.Unexpected(absl::StrCat("{% ", *(ends.end() - 1), " %}"));
  }

  // The same for a body that has names of its own.
  absl::Status ParseInnerBlock(std::initializer_list<absl::string_view> ends, Block* block) {
    ++inner_blocks_;
    RETURN_IF_ERROR(ParseBlock(ends, block));
    --inner_blocks_;
    return absl::OkStatus();
  }

  absl::Status EndTag(absl::string_view name) {
    RETURN_IF_ERROR(tokens_.ExpectKind(TokenKind::kBlockBegin, "{%"));
    RETURN_IF_ERROR(tokens_.ExpectName(name));
    return EndOfTag();
  }
  absl::Status EndOfTag() { return tokens_.ExpectKind(TokenKind::kBlockEnd, "%}"); }

  static StatementPointer Make(StatementKind kind, Place place) {
    auto statement = std::make_unique<Statement>();
    statement->kind = kind;
    statement->place = place;
    return statement;
  }

  absl::StatusOr<StatementPointer> ParseStatement() {
    const Token& token = tokens_.Next();
    if (token.kind == TokenKind::kText) {
      StatementPointer text = Make(StatementKind::kText, token.place);
      text->text = token.text;
      return text;
    }
    if (token.kind == TokenKind::kPrintBegin) {
      StatementPointer print = Make(StatementKind::kPrint, token.place);
      ASSIGN_OR_RETURN(print->expression, expressions_.ParseTuple());
      RETURN_IF_ERROR(tokens_.ExpectKind(TokenKind::kPrintEnd, "}}"));
      return print;
    }
    if (!tokens_.IsKind(TokenKind::kName)) return tokens_.Unexpected("the name of a tag");
    return ParseTag(tokens_.Next());
  }

  absl::StatusOr<StatementPointer> ParseTag(const Token& tag) {
    open_tags_.push_back(&tag);
    absl::StatusOr<StatementPointer> statement = ParseBehindName(tag);
    open_tags_.pop_back();
    return statement;
  }

  absl::Status UnexpectedTag(const Token& tag) {
    const bool ends = absl::StartsWith(tag.text, "end") || absl::StartsWith(tag.text, "el");
    if (!ends || open_tags_.size() < 2) {
      return ErrorAt(tag.place, absl::StrCat("the tag ", tag.text, " is not supported here"));
    }
    const Token& open = *open_tags_[open_tags_.size() - 2];
    return ErrorAt(tag.place, absl::StrCat("the tag ", tag.text, " does not fit here, where the tag ", open.text,
                                           " of line ", open.place.line, ", column ", open.place.column, " is open"));
  }

  absl::StatusOr<StatementPointer> ParseBehindName(const Token& tag) {
    const std::string& name = tag.text;
    if (name == "if") return ParseIf(tag.place);
    if (name == "for") return ParseFor(tag.place);
    if (name == "set") return ParseSet(tag.place);
    if (name == "macro") return ParseMacro(tag.place);
    if (name == "generation") return ParseGeneration(tag.place);
    if (name == "with") return ParseWith(tag.place);
    if (name == "filter") return ParseFilterBlock(tag.place);
    if (name == "break" || name == "continue") return ParseLoopControl(tag);
    if (name == "do") {
      StatementPointer statement = Make(StatementKind::kDo, tag.place);
      ASSIGN_OR_RETURN(statement->expression, expressions_.ParseTuple());
      RETURN_IF_ERROR(EndOfTag());
      return statement;
    }
    return UnexpectedTag(tag);
  }

  absl::StatusOr<StatementPointer> ParseIf(Place place) {
    StatementPointer statement = Make(StatementKind::kIf, place);
    ASSIGN_OR_RETURN(statement->expression, expressions_.ParseTuple());
    RETURN_IF_ERROR(EndOfTag());
    RETURN_IF_ERROR(ParseBlock({"elif", "else", "endif"}, &statement->body));
    if (AtTag("elif")) {
      tokens_.Next();
      const Place elif = tokens_.Next().place;
      ASSIGN_OR_RETURN(StatementPointer nested, ParseElif(elif));
      statement->otherwise.push_back(std::move(nested));
      return statement;
    }
    if (AtTag("else")) {
      RETURN_IF_ERROR(EndTag("else"));
      RETURN_IF_ERROR(ParseBlock({"endif"}, &statement->otherwise));
    }
    RETURN_IF_ERROR(EndTag("endif"));
    return statement;
  }

  // An elif is an if in the else branch; it reads the endif too.
  absl::StatusOr<StatementPointer> ParseElif(Place place) {
    const TokenStream::Level level(tokens_);
    RETURN_IF_ERROR(level.Check());
    return ParseIf(place);
  }

  // Names, not expressions: in `for x in y`, `x in y` would be one.
  absl::StatusOr<Target> ParseTarget() {
    Target target;
    const bool bracket = tokens_.SkipOperator("(");
    do {
      if (!target.names.empty()) target.unpacks = true;
      if (target.unpacks && !tokens_.IsKind(TokenKind::kName)) break;
      if (!tokens_.IsKind(TokenKind::kName)) return tokens_.Unexpected("a name to assign to");
      target.names.push_back(tokens_.Next().text);
    } while (tokens_.SkipOperator(","));
    if (bracket) RETURN_IF_ERROR(tokens_.ExpectOperator(")"));
    if (target.names.size() == 1 && !target.unpacks && tokens_.SkipOperator(".")) {
      if (!tokens_.IsKind(TokenKind::kName)) return tokens_.Unexpected("a name behind '.'");
      target.field = tokens_.Next().text;
    }
    return target;
  }

  absl::StatusOr<StatementPointer> ParseFor(Place place) {
    StatementPointer statement = Make(StatementKind::kFor, place);
    ASSIGN_OR_RETURN(statement->target, ParseTarget());
    RETURN_IF_ERROR(tokens_.ExpectName("in"));
    ASSIGN_OR_RETURN(statement->expression, expressions_.ParseTuple(/*with_conditional=*/false));
    if (tokens_.SkipName("if")) {
      ASSIGN_OR_RETURN(statement->condition, expressions_.Parse());
    }
    if (tokens_.IsName("recursive")) return ErrorAt(tokens_.Peek().place, "recursive loops are not supported");
    RETURN_IF_ERROR(EndOfTag());
    ++loops_;
    RETURN_IF_ERROR(ParseInnerBlock({"else", "endfor"}, &statement->body));
    --loops_;
    if (AtTag("else")) {
      RETURN_IF_ERROR(EndTag("else"));
      RETURN_IF_ERROR(ParseBlock({"endfor"}, &statement->otherwise));
    }
    RETURN_IF_ERROR(EndTag("endfor"));
    return statement;
  }

  absl::StatusOr<StatementPointer> ParseLoopControl(const Token& tag) {
    if (loops_ == 0) return ErrorAt(tag.place, absl::StrCat(tag.text, " outside of a loop"));
    RETURN_IF_ERROR(EndOfTag());
    return Make(tag.text == "break" ? StatementKind::kBreak : StatementKind::kContinue, tag.place);
  }

  // The filters behind `set x` and `filter`, applied to the text of the block.
  absl::StatusOr<ExpressionPointer> ParseBlockFilters() {
    auto input = std::make_unique<Expression>();
    input->kind = ExpressionKind::kName;
    input->place = tokens_.Peek().place;
    input->name = kBlockValueName;
    return expressions_.ParseFilters(std::move(input));
  }

  absl::StatusOr<StatementPointer> ParseSet(Place place) {
    StatementPointer statement = Make(StatementKind::kSet, place);
    ASSIGN_OR_RETURN(statement->target, ParseTarget());
    if (tokens_.SkipOperator("=")) {
      ASSIGN_OR_RETURN(statement->expression, expressions_.ParseTuple());
      RETURN_IF_ERROR(EndOfTag());
      return statement;
    }
    statement->kind = StatementKind::kSetBlock;
    ASSIGN_OR_RETURN(statement->expression, ParseBlockFilters());
    RETURN_IF_ERROR(EndOfTag());
    RETURN_IF_ERROR(ParseInnerBlock({"endset"}, &statement->body));
    RETURN_IF_ERROR(EndTag("endset"));
    return statement;
  }

  absl::StatusOr<StatementPointer> ParseFilterBlock(Place place) {
    StatementPointer statement = Make(StatementKind::kFilter, place);
    auto input = std::make_unique<Expression>();
    input->kind = ExpressionKind::kName;
    input->name = kBlockValueName;
    input->place = place;
    ASSIGN_OR_RETURN(statement->expression, expressions_.ParseFirstFilter(std::move(input)));
    RETURN_IF_ERROR(EndOfTag());
    RETURN_IF_ERROR(ParseInnerBlock({"endfilter"}, &statement->body));
    RETURN_IF_ERROR(EndTag("endfilter"));
    return statement;
  }

  absl::StatusOr<StatementPointer> ParseMacro(Place place) {
    // It would see the names around it, which are gone when it is called.
    if (inner_blocks_ > 0) return ErrorAt(place, "a macro inside of a loop, a macro or another block is not supported");
    StatementPointer statement = Make(StatementKind::kMacro, place);
    if (!tokens_.IsKind(TokenKind::kName)) return tokens_.Unexpected("the name of a macro");
    MacroNode& macro = statement->macro;
    macro.name = tokens_.Next().text;
    RETURN_IF_ERROR(tokens_.ExpectOperator("("));
    while (!tokens_.SkipOperator(")")) {
      if (!macro.parameters.empty()) RETURN_IF_ERROR(tokens_.ExpectOperator(","));
      if (!tokens_.IsKind(TokenKind::kName)) return tokens_.Unexpected("the name of a parameter");
      macro.parameters.push_back(tokens_.Next().text);
      if (tokens_.SkipOperator("=")) {
        ASSIGN_OR_RETURN(ExpressionPointer fallback, expressions_.Parse());
        macro.defaults.push_back(std::move(fallback));
      } else if (!macro.defaults.empty()) {
        return tokens_.Unexpected("a default");
      }
    }
    RETURN_IF_ERROR(EndOfTag());
    const int loops = std::exchange(loops_, 0);
    RETURN_IF_ERROR(ParseInnerBlock({"endmacro"}, &macro.body));
    loops_ = loops;
    RETURN_IF_ERROR(EndTag("endmacro"));
    return statement;
  }

  absl::StatusOr<StatementPointer> ParseGeneration(Place place) {
    StatementPointer statement = Make(StatementKind::kGeneration, place);
    has_generation_ = true;
    RETURN_IF_ERROR(EndOfTag());
    const int loops = std::exchange(loops_, 0);
    RETURN_IF_ERROR(ParseInnerBlock({"endgeneration"}, &statement->body));
    loops_ = loops;
    RETURN_IF_ERROR(EndTag("endgeneration"));
    return statement;
  }

  absl::StatusOr<StatementPointer> ParseWith(Place place) {
    StatementPointer statement = Make(StatementKind::kWith, place);
    while (!tokens_.IsKind(TokenKind::kBlockEnd)) {
      if (!statement->assignments.empty()) RETURN_IF_ERROR(tokens_.ExpectOperator(","));
      if (!tokens_.IsKind(TokenKind::kName)) return tokens_.Unexpected("a name to assign to");
      Target target;
      target.names.push_back(tokens_.Next().text);
      RETURN_IF_ERROR(tokens_.ExpectOperator("="));
      ASSIGN_OR_RETURN(ExpressionPointer value, expressions_.Parse());
      statement->assignments.emplace_back(std::move(target), std::move(value));
    }
    RETURN_IF_ERROR(EndOfTag());
    RETURN_IF_ERROR(ParseInnerBlock({"endwith"}, &statement->body));
    RETURN_IF_ERROR(EndTag("endwith"));
    return statement;
  }

  TokenStream tokens_;
  ExpressionParser expressions_;
  std::vector<const Token*> open_tags_;  // their names, the innermost last
  int loops_ = 0;                        // loops around the current place
  int inner_blocks_ = 0;                 // blocks with names of their own around the current place
  bool has_generation_ = false;
};

}  // namespace

absl::StatusOr<Syntax> ParseTemplate(absl::string_view source) {
  ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(source));
  return Parser(std::move(tokens)).Run();
}

}  // namespace plumb::jinja
