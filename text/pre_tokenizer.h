#ifndef PLUMB_TEXT_PRE_TOKENIZER_H_
#define PLUMB_TEXT_PRE_TOKENIZER_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "text/pattern.h"
#include "text/tokenizer.h"

namespace plumb {

// A piece of text that BPE sees alone.
struct Piece {
  ByteSpan span;
  bool space_before = false;  // a space that is not in the text stands before it (add_prefix_space)
};

// The `pre_tokenizer` of a tokenizer.json: Split, Digits and ByteLevel, the last one last, and Sequences of them. Each
// stage works on each piece of the stage before it alone. Immutable, thread-safe.
class PreTokenizer {
 public:
  // Errors: kInvalidArgument, naming a type or an order that is not supported.
  static absl::StatusOr<PreTokenizer> FromJson(const Json& json);

  // `text` is valid UTF-8. Pieces are not empty, unless they have a space before.
  // Errors: kResourceExhausted when a pattern runs into its limit.
  absl::StatusOr<std::vector<Piece>> Split(absl::string_view text, PatternSearch& search) const;

 private:
  enum class Behavior { kIsolated, kRemoved, kMergedWithPrevious, kMergedWithNext, kContiguous };
  struct Cut {
    ByteSpan span;
    bool is_match = false;
  };
  // One stage: a pattern, or digits where there is none.
  struct Stage {
    std::unique_ptr<Pattern> pattern;
    Behavior behavior = Behavior::kIsolated;
    bool invert = false;
  };

  static absl::StatusOr<Behavior> BehaviorFromName(absl::string_view name);
  static std::vector<ByteSpan> Pieces(const std::vector<Cut>& cuts, Behavior behavior);
  absl::Status Add(const Json& json);
  absl::Status AddSplit(const Json& json);
  absl::Status AddByteLevel(const Json& json);
  static absl::Status FindCuts(const Stage& stage, absl::string_view text, PatternSearch& search,
                               std::vector<Cut>* cuts);
  absl::StatusOr<std::vector<Piece>> ByteLevelPieces(absl::string_view text, const std::vector<ByteSpan>& spans,
                                                     PatternSearch& search) const;

  std::vector<Stage> stages_;
  bool has_byte_level_ = false;
  bool add_prefix_space_ = false;
  std::unique_ptr<Pattern> byte_level_pattern_;  // null with use_regex false
};

}  // namespace plumb

#endif  // PLUMB_TEXT_PRE_TOKENIZER_H_
