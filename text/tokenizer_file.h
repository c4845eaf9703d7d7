#ifndef PLUMB_TEXT_TOKENIZER_FILE_H_
#define PLUMB_TEXT_TOKENIZER_FILE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"

namespace plumb {

// A tokenizer.json, read. Its `truncation` and `padding` are not obeyed: lengths are the caller's affair.
struct TokenizerFile {
  std::vector<AddedToken> added_tokens;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  BpeModel model;
  std::vector<int64_t> ids_before;  // what the post-processor puts around a text
  std::vector<int64_t> ids_after;
};

// Errors: kInvalidArgument for what is damaged, contradicts itself, or is not supported, which is named.
absl::StatusOr<TokenizerFile> ReadTokenizerFile(const Json& json);

}  // namespace plumb

#endif  // PLUMB_TEXT_TOKENIZER_FILE_H_
