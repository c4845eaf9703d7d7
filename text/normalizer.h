#ifndef PLUMB_TEXT_NORMALIZER_H_
#define PLUMB_TEXT_NORMALIZER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "text/pattern.h"
#include "text/unicode.h"

namespace plumb {

// The `normalizer` of a tokenizer.json: null, NFC, NFD, NFKC, NFKD, Prepend, Replace, Strip, and Sequences of them.
// Immutable, thread-safe.
class Normalizer {
 public:
  // Errors: kInvalidArgument, naming a type that is not supported.
  static absl::StatusOr<Normalizer> FromJson(const Json& json);

  bool changes_nothing() const { return steps_.empty(); }
  // `text` is valid UTF-8. Origins of the normal forms are by grapheme cluster, within which they stay.
  // Errors: kResourceExhausted when a pattern runs into its limit, when the text grows beyond reason, and for more
  // combining marks behind each other than any language has.
  absl::StatusOr<AlignedText> Apply(absl::string_view text, PatternSearch& search) const;

 private:
  enum class Kind { kNfc, kNfd, kNfkc, kNfkd, kPrepend, kReplace, kStrip };
  struct Step {
    Kind kind = Kind::kNfc;
    std::string content;                     // what is prepended or put in
    std::shared_ptr<const Pattern> pattern;  // what is replaced
    bool strip_left = false;
    bool strip_right = false;
  };

  absl::Status Add(const Json& json);
  static absl::StatusOr<Step> ReadReplace(const Json& json);
  // `original_bytes`: of the text before the first step.
  static absl::StatusOr<AlignedText> ApplyStep(const Step& step, absl::string_view text, size_t original_bytes,
                                               PatternSearch& search);
  static AlignedText ApplyForm(Kind form, absl::string_view text);

  std::vector<Step> steps_;
};

}  // namespace plumb

#endif  // PLUMB_TEXT_NORMALIZER_H_
