#include "tools/commands/row_ids.h"

#include <limits>

#include "base/status_macros.h"

namespace plumb::cli {

absl::StatusOr<std::vector<int64_t>> RowIds(const InputRow& row, const std::string& key, int64_t vocab_size,
                                            bool may_be_empty) {
  ASSIGN_OR_RETURN(std::vector<int64_t> ids, JsonInts(row.row, key, row.place));
  if (ids.empty() && !may_be_empty) return absl::InvalidArgumentError(absl::StrCat(row.place, ": ", key, ": is empty"));
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < vocab_size) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(row.place, ": ", key, "[", i, "] is ", ids[i], ", but the vocabulary has ", vocab_size, " ids"));
  }
  return ids;
}

absl::StatusOr<std::vector<int64_t>> PromptIds(const InputRow& row, const TextCodec* codec) {
  const std::vector<std::string> keys = {"prompt", "messages", "prompt_ids"};
  const auto has = [&row](const std::string& key) { return row.row.contains(key); };
  if (std::count_if(keys.begin(), keys.end(), has) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(row.place, ": expected exactly one of prompt, messages and prompt_ids"));
  }
  // Ids beyond the vocabulary are refused by the engine, which knows it also where it is another process.
  if (has("prompt_ids")) {
    return RowIds(row, "prompt_ids", std::numeric_limits<int64_t>::max(), /*may_be_empty=*/false);
  }
  if (codec == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(row.place, ": the model folder has no tokenizer.json; only prompt_ids can be used"));
  }
  if (has("messages")) {
    const absl::StatusOr<EncodedChat> chat = codec->EncodeChat(row.row["messages"], /*add_generation_prompt=*/true);
    if (!chat.ok()) return Annotate(chat.status(), row.place);
    return chat->ids;
  }
  ASSIGN_OR_RETURN(const std::string prompt, JsonString(row.row, "prompt", row.place));
  absl::StatusOr<std::vector<int64_t>> ids = codec->EncodeText(prompt, /*add_special_tokens=*/true);
  if (!ids.ok()) return Annotate(ids.status(), row.place);
  if (ids->empty()) return absl::InvalidArgumentError(absl::StrCat(row.place, ": prompt: has no tokens"));
  return ids;
}

std::string RowName(const InputRow& row, size_t number) {
  const auto id = row.row.find("id");
  if (id == row.row.end()) return absl::StrCat(number);
  if (id->is_string()) return id->get<std::string>();
  return id->is_number_integer() ? DumpJson(*id) : absl::StrCat(number);
}

}  // namespace plumb::cli
