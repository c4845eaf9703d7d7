#ifndef PLUMB_TEXT_JINJA_LEXER_H_
#define PLUMB_TEXT_JINJA_LEXER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumb::jinja {

// A place in the template's source; both count from 1, columns in bytes.
struct Place {
  int line = 1;
  int column = 1;
};

// kInvalidArgument with "line L, column C: " in front.
absl::Status ErrorAt(Place place, absl::string_view message);

enum class TokenKind {
  kText,
  kBlockBegin,
  kBlockEnd,
  kPrintBegin,
  kPrintEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  // unescaped for kText and kString
  int64_t integer = 0;
  double number = 0;
  Place place;
};

// Cuts a template into tokens. White space around tags is treated as Jinja does with trim_blocks and lstrip_blocks, and
// with the signs + and -; comments are gone, raw blocks are text. The last token is kEnd.
// Errors: kInvalidArgument with the place.
absl::StatusOr<std::vector<Token>> Tokenize(absl::string_view source);

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_LEXER_H_
