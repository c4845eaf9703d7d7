#ifndef PLUMB_TEXT_PATTERN_H_
#define PLUMB_TEXT_PATTERN_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "text/tokenizer.h"

namespace plumb {

// What a search needs besides the pattern. Serves one pattern after the other; not thread-safe.
class PatternSearch {
 public:
  PatternSearch();
  ~PatternSearch();
  PatternSearch(const PatternSearch&) = delete;
  PatternSearch& operator=(const PatternSearch&) = delete;

 private:
  friend class Pattern;
  struct State;
  const std::unique_ptr<State> state_;
};

// A regular expression of a tokenizer.json. Those are written for Oniguruma's Ruby syntax and run here on PCRE2: `$` is
// the end of a line, white space and word characters are Unicode's. What would mean something else in PCRE2 is refused
// (text/pattern_syntax.h). Immutable, thread-safe.
class Pattern {
 public:
  // Errors: kInvalidArgument with the place in the expression.
  static absl::StatusOr<std::unique_ptr<Pattern>> Compile(absl::string_view expression);
  // The `pattern` of a component: {"Regex": text} or {"String": text}. `what` is whose it is, for messages.
  static absl::StatusOr<std::unique_ptr<Pattern>> FromJson(const Json& component, absl::string_view what);
  // Matches `text` itself.
  static absl::StatusOr<std::unique_ptr<Pattern>> Literal(absl::string_view text);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  // Appends the matches in `text`, valid UTF-8, from left to right and without overlap. Look-around sees `text` alone.
  // Errors: kResourceExhausted when the match limit is hit.
  absl::Status FindAll(absl::string_view text, PatternSearch& search, std::vector<ByteSpan>* matches) const;

 private:
  struct Code;
  Pattern(std::string expression, std::unique_ptr<Code> code);
  const std::string expression_;
  const std::unique_ptr<Code> code_;
};

}  // namespace plumb

#endif  // PLUMB_TEXT_PATTERN_H_
