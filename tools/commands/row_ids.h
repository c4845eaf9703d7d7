#ifndef PLUMB_TOOLS_COMMANDS_ROW_IDS_H_
#define PLUMB_TOOLS_COMMANDS_ROW_IDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "text/text_codec.h"
#include "tools/row_files.h"

// Token ids out of the rows that `generate` and `score` read.
namespace plumb::cli {

// A list of token ids in a row: not empty unless `may_be_empty`, each below `vocab_size`.
// Errors: kInvalidArgument naming the row's place and the key.
absl::StatusOr<std::vector<int64_t>> RowIds(const InputRow& row, const std::string& key, int64_t vocab_size,
                                            bool may_be_empty);

// The prompt of a row: its `prompt` (text, with special tokens), `messages` (rendered with the generation prompt) or
// `prompt_ids`; exactly one of them. `codec` may be null where rows have ids.
// Errors: kInvalidArgument naming the row's place; those of TextCodec.
absl::StatusOr<std::vector<int64_t>> PromptIds(const InputRow& row, const TextCodec* codec);

// What names a row in the keys of sampling: its `id` (a text or a whole number), else its number from 0.
std::string RowName(const InputRow& row, size_t number);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMANDS_ROW_IDS_H_
