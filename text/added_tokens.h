#ifndef PLUMB_TEXT_ADDED_TOKENS_H_
#define PLUMB_TEXT_ADDED_TOKENS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "text/pattern.h"
#include "text/tokenizer.h"

namespace plumb {

// An entry of `added_tokens`. `single_word`: not beside a word character; `lstrip`, `rstrip`: takes the white space on
// that side along; `normalized`: looked for after normalization.
struct AddedToken {
  int64_t id = 0;
  std::string content;
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;
  bool normalized = false;
  bool special = false;
  std::string decoded;  // what its id gives back: as in the library the content, normalized where it is looked for so
};

// A part of a text: an added token, or (id -1) what is between them.
struct TextPart {
  int64_t id = -1;
  ByteSpan span;
};

// Cuts added tokens out of texts: the leftmost, of these the longest. Immutable after construction, thread-safe.
class AddedTokenMatcher {
 public:
  explicit AddedTokenMatcher(std::vector<AddedToken> tokens);

  // Parts from left to right that cover `text`; none is empty. As in the library, a token of white space that the token
  // before it has taken along with `rstrip` is found again, so that the two overlap.
  std::vector<TextPart> Split(absl::string_view text) const;

 private:
  // The longest token that begins at `begin`; null where none does.
  const AddedToken* LongestAt(absl::string_view text, size_t begin) const;
  bool IsSingleWord(absl::string_view text, size_t begin, size_t end) const;

  std::vector<AddedToken> tokens_;
  std::array<bool, 256> first_bytes_{};
  absl::flat_hash_map<uint64_t, uint32_t> children_;  // (trie node << 8 | byte) to node; node 0 is the root
  std::vector<int64_t> token_of_node_;                // index into tokens_, -1
  std::unique_ptr<Pattern> word_part_;                // what may not stand beside a `single_word` token
};

}  // namespace plumb

#endif  // PLUMB_TEXT_ADDED_TOKENS_H_
