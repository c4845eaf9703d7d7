#ifndef PLUMB_TEXT_TOKENIZER_H_
#define PLUMB_TEXT_TOKENIZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace plumb {

// The half-open range of bytes of the text that a token stands for.
struct ByteSpan {
  int64_t begin = 0;
  int64_t end = 0;
};

struct EncodedText {
  std::vector<int64_t> ids;
  std::vector<ByteSpan> spans;  // one per id, into the encoded text; empty for tokens that a post-processor added
};

// Byte-level BPE as a `tokenizer.json` describes it. Immutable after construction; thread-safe.
// Source: the file format of Hugging Face tokenizers.
class Tokenizer {
 public:
  // Errors: kNotFound; kInvalidArgument for a damaged file or a construct that is not supported, which is named.
  static absl::StatusOr<std::unique_ptr<Tokenizer>> Load(const std::string& tokenizer_json_path);
  static absl::StatusOr<std::unique_ptr<Tokenizer>> Parse(absl::string_view tokenizer_json, absl::string_view what);
  virtual ~Tokenizer() = default;

  // `text` is UTF-8; other bytes are replaced by U+FFFD first.
  // Errors: kResourceExhausted when a pattern of the file runs into its match limit.
  virtual absl::StatusOr<EncodedText> Encode(absl::string_view text, bool add_special_tokens) const = 0;

  // Ids without a token are left out. Invalid UTF-8 becomes U+FFFD.
  virtual std::string Decode(absl::Span<const int64_t> ids, bool skip_special_tokens) const = 0;

  // The bytes that `id` adds to a decoded text; incomplete UTF-8 is kept as it is. Empty for ids without a token.
  virtual std::string TokenBytes(int64_t id) const = 0;

  virtual bool IsSpecial(int64_t id) const = 0;
  // -1 where no token has this text.
  virtual int64_t TokenId(absl::string_view token) const = 0;
  // The largest id plus one: ids at or above it are not tokens.
  virtual int64_t size() const = 0;
};

// Joins the bytes of a stream of tokens into text and holds back incomplete UTF-8. Not thread-safe.
class StreamDecoder {
 public:
  StreamDecoder(const Tokenizer& tokenizer, bool skip_special_tokens)
      : tokenizer_(tokenizer), skip_special_tokens_(skip_special_tokens) {}
  // Returns the text that `id` completes.
  std::string Push(int64_t id);
  // Returns what is left, with U+FFFD for incomplete sequences.
  std::string Finish();

 private:
  const Tokenizer& tokenizer_;
  const bool skip_special_tokens_;
  std::string pending_;
};

}  // namespace plumb

#endif  // PLUMB_TEXT_TOKENIZER_H_
