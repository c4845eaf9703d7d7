#ifndef PLUMB_TEXT_DATASET_H_
#define PLUMB_TEXT_DATASET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "proto/config.pb.h"
#include "text/jsonl_rows.h"
#include "text/text_codec.h"

namespace plumb {

// A row of SFT: ids and which of them are trained (predicted), aligned with the ids.
struct SftRow {
  std::string id;
  std::vector<int64_t> ids;
  std::vector<bool> train_mask;  // [ids.size()]; the first is never trained
};

// A row of GRPO or of an evaluation.
struct PromptRow {
  std::string id;      // the row's `id`, else its number from 0
  std::string prompt;  // text
  std::vector<int64_t> prompt_ids;
  Json messages;         // the messages of the prompt; null where the row is no chat
  std::string row_json;  // the whole row
};

// Reads JSONL rows: `messages` (chat), `prompt` and `completion` (texts), or `question` and `answer` (GSM8K). An SFT
// row without a chat template is prompt_template + completion_template + the end token, and the completion and the end
// token are trained. Rows longer than `max_length` are cut, and rows that then train nothing are dropped; both are
// counted in the log. Errors: kNotFound; kInvalidArgument naming file and line: not JSON, a missing key, a wrong type,
// a duplicate id.
absl::StatusOr<std::vector<SftRow>> LoadSftRows(const proto::DataConfig& config, const TextCodec& codec,
                                                int64_t max_length);

// One row as LoadSftRows() reads it, uncut. Errors: kInvalidArgument for a missing key or a wrong type.
absl::StatusOr<SftRow> ReadSftRow(const proto::DataConfig& config, RowFormat format, const JsonlRow& row,
                                  const TextCodec& codec);

// A chat row's prompt is its messages up to the last that is not by the assistant, with the generation prompt.
absl::StatusOr<std::vector<PromptRow>> LoadPromptRows(const proto::DataConfig& config, const TextCodec& codec);

}  // namespace plumb

#endif  // PLUMB_TEXT_DATASET_H_
