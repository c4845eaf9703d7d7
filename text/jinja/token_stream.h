#ifndef PLUMB_TEXT_JINJA_TOKEN_STREAM_H_
#define PLUMB_TEXT_JINJA_TOKEN_STREAM_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "text/jinja/lexer.h"

namespace plumb::jinja {

// The tokens of a template and how far they are read. Also counts how deep the parser is.
class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& Peek(size_t offset = 0) const { return tokens_[std::min(at_ + offset, tokens_.size() - 1)]; }
  const Token& Next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool IsKind(TokenKind kind) const { return Peek().kind == kind; }
  bool IsOperator(absl::string_view text) const { return Is(TokenKind::kOperator, text); }
  bool IsName(absl::string_view text) const { return Is(TokenKind::kName, text); }
  bool SkipOperator(absl::string_view text) { return Skip(IsOperator(text)); }
  bool SkipName(absl::string_view text) { return Skip(IsName(text)); }

  // Errors of all: kInvalidArgument with place, what was expected and what was found.
  absl::Status ExpectOperator(absl::string_view text) { return Expect(SkipOperator(text), text); }
  absl::Status ExpectName(absl::string_view text) { return Expect(SkipName(text), text); }
  absl::Status ExpectKind(TokenKind kind, absl::string_view what) { return Expect(Skip(IsKind(kind)), what); }
  absl::Status Unexpected(absl::string_view expected) const {
    const Token& token = Peek();
    const std::string found = token.kind == TokenKind::kName || token.kind == TokenKind::kOperator ? token.text
                              : token.kind == TokenKind::kEnd                                      ? "the end"
                              : token.kind == TokenKind::kBlockEnd                                 ? "%}"
                              : token.kind == TokenKind::kPrintEnd                                 ? "}}"
                                                                                                   : "a constant";
    return ErrorAt(token.place, absl::StrCat("expected ", expected, ", found ", found));
  }

  // Counts nesting while it lives.
  class Level {
   public:
    explicit Level(TokenStream& stream) : stream_(stream) { ++stream_.depth_; }
    ~Level() { --stream_.depth_; }
    absl::Status Check() const {
      if (stream_.depth_ <= kMaxDepth) return absl::OkStatus();
      return ErrorAt(stream_.Peek().place, "nested too deeply");
    }

   private:
    TokenStream& stream_;
  };

 private:
  static constexpr int kMaxDepth = 100;
  bool Is(TokenKind kind, absl::string_view text) const { return Peek().kind == kind && Peek().text == text; }
  bool Skip(bool matches) {
    if (matches) Next();
    return matches;
  }
  absl::Status Expect(bool skipped, absl::string_view what) const {
    return skipped ? absl::OkStatus() : Unexpected(what);
  }

  const std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_TOKEN_STREAM_H_
