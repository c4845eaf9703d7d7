#ifndef PLUMB_TEXT_NORMALIZER_H_
#define PLUMB_TEXT_NORMALIZER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "text/unicode.h"

namespace plumb {

// The `normalizer` of a tokenizer.json: null, NFC, NFD, NFKC, NFKD, and Sequences of them. Immutable, thread-safe.
class Normalizer {
 public:
  // Errors: kInvalidArgument, naming a type that is not supported.
  static absl::StatusOr<Normalizer> FromJson(const Json& json);

  bool changes_nothing() const { return forms_.empty(); }
  // `text` is valid UTF-8. Origins are by grapheme cluster, within which normalization stays.
  AlignedText Apply(absl::string_view text) const;

 private:
  enum class Form { kNfc, kNfd, kNfkc, kNfkd };
  static AlignedText ApplyForm(Form form, absl::string_view text);
  std::vector<Form> forms_;
};

}  // namespace plumb

#endif  // PLUMB_TEXT_NORMALIZER_H_
