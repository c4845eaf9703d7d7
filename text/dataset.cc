#include "text/dataset.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "text/jsonl_rows.h"

namespace plumb {
namespace {

constexpr absl::string_view kDefaultPromptTemplate = "{question}";
constexpr absl::string_view kDefaultCompletionTemplate = "{answer}";

// The texts of a row where no chat template is used. The default templates stand for the keys of the row's format.
absl::StatusOr<std::string> PlainText(absl::string_view configured, absl::string_view fallback, absl::string_view key,
                                      const JsonlRows& rows, const JsonlRow& row) {
  const bool is_default = configured.empty() || configured == fallback;
  const std::string own = absl::StrCat("{", key, "}");
  if (is_default) configured = rows.format == RowFormat::kPromptCompletion ? absl::string_view(own) : fallback;
  return ExpandTemplate(configured, row.json);
}

absl::StatusOr<std::string> PlainPrompt(const proto::DataConfig& config, const JsonlRows& rows, const JsonlRow& row) {
  return PlainText(config.prompt_template(), kDefaultPromptTemplate, "prompt", rows, row);
}

absl::StatusOr<std::string> PlainCompletion(const proto::DataConfig& config, const JsonlRows& rows,
                                            const JsonlRow& row) {
  return PlainText(config.completion_template(), kDefaultCompletionTemplate, "completion", rows, row);
}

absl::Status AddMessage(const JsonlRow& row, const char* role, const char* key, Json* messages) {
  if (row.json.contains(key) && row.json[key].is_array()) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, " is a list, expected a text; a list of messages goes under the key messages"));
  }
  ASSIGN_OR_RETURN(const std::string content, JsonString(row.json, key, "row"));
  messages->push_back({{"role", role}, {"content", content}});
  return absl::OkStatus();
}

// A template would speak of its own lines and columns, or pass over what it does not know.
absl::Status CheckMessage(const Json& message, size_t index) {
  const std::string where = absl::StrCat("messages[", index, "]");
  if (!message.is_object()) return absl::InvalidArgumentError(absl::StrCat(where, " is not an object"));
  if (!message.contains("role") || !message["role"].is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ".role is missing or not a text"));
  }
  const bool may_lack_content = message.contains("tool_calls");
  const Json content = message.value("content", Json());
  if (content.is_string() || (content.is_null() && may_lack_content)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(where, ".content is ", content.is_null() ? "missing" : content.type_name(), ", expected a text"));
}

// The row as a chat; the answer too where asked for.
absl::StatusOr<Json> Messages(RowFormat format, const JsonlRow& row, bool with_answer) {
  if (format == RowFormat::kMessages) {
    if (!row.json.contains("messages") || !row.json["messages"].is_array()) {
      return absl::InvalidArgumentError("messages is missing or not a list");
    }
    for (size_t i = 0; i < row.json["messages"].size(); ++i) {
      RETURN_IF_ERROR(CheckMessage(row.json["messages"][i], i));
    }
    return row.json["messages"];
  }
  const bool is_prompt = format == RowFormat::kPromptCompletion;
  Json messages = Json::array();
  RETURN_IF_ERROR(AddMessage(row, "user", is_prompt ? "prompt" : "question", &messages));
  if (with_answer) {
    RETURN_IF_ERROR(AddMessage(row, "assistant", is_prompt ? "completion" : "answer", &messages));
  }
  return messages;
}

bool IsOwnTemplate(absl::string_view configured, absl::string_view fallback) {
  return !configured.empty() && configured != fallback;
}

absl::StatusOr<bool> UsesChat(const proto::DataConfig& config, RowFormat format, const TextCodec& codec) {
  const bool wanted = !config.has_use_chat_template() || config.use_chat_template();
  const bool uses = wanted && codec.has_chat_template();
  if (format == RowFormat::kMessages && !uses) {
    return absl::InvalidArgumentError(
        absl::StrCat(config.file(), ": rows of messages need a chat template, ",
                     wanted ? "which the policy folder lacks" : "but use_chat_template is false"));
  }
  if (uses && (IsOwnTemplate(config.prompt_template(), kDefaultPromptTemplate) ||
               IsOwnTemplate(config.completion_template(), kDefaultCompletionTemplate))) {
    return absl::InvalidArgumentError(
        absl::StrCat(config.file(),
                     ": a prompt_template or completion_template is set, but rows are rendered with the "
                     "model's chat template; set use_chat_template: false, or leave the template out"));
  }
  return uses;
}

absl::StatusOr<SftRow> ChatSftRow(const JsonlRows& rows, const JsonlRow& row, const TextCodec& codec) {
  ASSIGN_OR_RETURN(const Json messages, Messages(rows.format, row, /*with_answer=*/true));
  ASSIGN_OR_RETURN(EncodedChat chat, codec.EncodeChat(messages, /*add_generation_prompt=*/false));
  return SftRow{row.id, std::move(chat.ids), std::move(chat.train_mask)};
}

// Prompt and completion are encoded on their own, as in a rollout, where the prompt is all there is at first.
absl::StatusOr<SftRow> PlainSftRow(const proto::DataConfig& config, const JsonlRows& rows, const JsonlRow& row,
                                   const TextCodec& codec) {
  ASSIGN_OR_RETURN(const std::string prompt, PlainPrompt(config, rows, row));
  ASSIGN_OR_RETURN(const std::string completion, PlainCompletion(config, rows, row));
  SftRow result{row.id};
  ASSIGN_OR_RETURN(result.ids, codec.EncodeText(prompt, /*add_special_tokens=*/true));
  ASSIGN_OR_RETURN(const std::vector<int64_t> trained, codec.EncodeText(completion, /*add_special_tokens=*/false));
  result.train_mask.assign(result.ids.size(), false);
  result.ids.insert(result.ids.end(), trained.begin(), trained.end());
  if (codec.eos_id() >= 0) result.ids.push_back(codec.eos_id());
  result.train_mask.resize(result.ids.size(), true);
  return result;
}

void Cut(int64_t max_length, SftRow* row) {
  const auto length = std::min<size_t>(row->ids.size(), max_length);
  row->ids.resize(length);
  row->train_mask.resize(length);
  if (length > 0) row->train_mask[0] = false;
}

// The rows that are longer than they may be.
struct CutRows {
  int64_t count = 0;
  std::string first_place;
  size_t first_length = 0;

  void Count(const SftRow& row, const std::string& place, int64_t max_length) {
    if (static_cast<int64_t>(row.ids.size()) <= max_length) return;
    if (++count > 1) return;
    first_place = place;
    first_length = row.ids.size();
  }
  void Warn(const std::string& file, int64_t max_length) const {
    if (count == 0) return;
    LogWarning("text", file, ": ", count, " rows are longer than max_sequence_length ", max_length,
               " and are cut at the end, the first at ", first_place, " with ", first_length, " tokens");
  }
};

bool TrainsSomething(const SftRow& row) {
  return std::find(row.train_mask.begin(), row.train_mask.end(), true) != row.train_mask.end();
}

// The messages up to the last that is not by the assistant.
Json WithoutLastAnswer(Json messages) {
  while (!messages.empty() && messages.back().is_object() && messages.back().contains("role") &&
         messages.back()["role"] == "assistant") {
    messages.erase(messages.size() - 1);
  }
  return messages;
}

absl::StatusOr<PromptRow> ReadPromptRow(const proto::DataConfig& config, const JsonlRows& rows, const JsonlRow& row,
                                        const TextCodec& codec, bool uses_chat) {
  PromptRow result;
  result.id = row.id;
  result.row_json = row.line;
  if (uses_chat) {
    ASSIGN_OR_RETURN(Json messages, Messages(rows.format, row, /*with_answer=*/false));
    result.messages = WithoutLastAnswer(std::move(messages));
    ASSIGN_OR_RETURN(EncodedChat chat, codec.EncodeChat(result.messages, /*add_generation_prompt=*/true));
    result.prompt = std::move(chat.text);
    result.prompt_ids = std::move(chat.ids);
  } else {
    ASSIGN_OR_RETURN(result.prompt, PlainPrompt(config, rows, row));
    ASSIGN_OR_RETURN(result.prompt_ids, codec.EncodeText(result.prompt, /*add_special_tokens=*/true));
  }
  if (result.prompt_ids.empty()) return absl::InvalidArgumentError("the prompt has no tokens");
  return result;
}

}  // namespace

absl::StatusOr<SftRow> ReadSftRow(const proto::DataConfig& config, RowFormat format, const JsonlRow& row,
                                  const TextCodec& codec) {
  ASSIGN_OR_RETURN(const bool uses_chat, UsesChat(config, format, codec));
  const JsonlRows rows{format, {}};
  return uses_chat ? ChatSftRow(rows, row, codec) : PlainSftRow(config, rows, row, codec);
}

absl::StatusOr<std::vector<SftRow>> LoadSftRows(const proto::DataConfig& config, const TextCodec& codec,
                                                int64_t max_length) {
  ASSIGN_OR_RETURN(const JsonlRows rows, ReadJsonlRows(config));
  // Also said where no row can be read: a template that is missing is no row's fault.
  RETURN_IF_ERROR(UsesChat(config, rows.format, codec).status());
  std::vector<SftRow> result;
  CutRows cut;
  for (const JsonlRow& row : rows.rows) {
    absl::StatusOr<SftRow> read = ReadSftRow(config, rows.format, row, codec);
    if (!read.ok()) return Annotate(read.status(), row.place);
    cut.Count(*read, row.place, max_length);
    Cut(max_length, &*read);
    if (TrainsSomething(*read)) result.push_back(*std::move(read));
  }
  cut.Warn(config.file(), max_length);
  const size_t dropped = rows.rows.size() - result.size();
  if (result.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(config.file(), ": none of ", dropped, " rows has a token to train on in its first ", max_length));
  }
  if (dropped > 0) {
    LogWarning("text", config.file(), ": ", dropped, " of ", rows.rows.size(),
               " rows have no token to train on in their ", "first ", max_length, " and are left out");
  }
  return result;
}

absl::StatusOr<std::vector<PromptRow>> LoadPromptRows(const proto::DataConfig& config, const TextCodec& codec) {
  ASSIGN_OR_RETURN(const JsonlRows rows, ReadJsonlRows(config));
  ASSIGN_OR_RETURN(const bool uses_chat, UsesChat(config, rows.format, codec));
  std::vector<PromptRow> result;
  for (const JsonlRow& row : rows.rows) {
    absl::StatusOr<PromptRow> read = ReadPromptRow(config, rows, row, codec, uses_chat);
    if (!read.ok()) return Annotate(read.status(), row.place);
    result.push_back(*std::move(read));
  }
  return result;
}

}  // namespace plumb
