#include "text/text_codec.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/file.h"
#include "base/inside_folder.h"
#include "base/status_macros.h"
#include "text/chat_mask.h"

namespace plumb {
namespace {

constexpr size_t kMaxSettingsBytes = size_t{16} << 20;
constexpr size_t kMaxTokenizerBytes = size_t{256} << 20;

constexpr char kTokenizerFile[] = "tokenizer.json";
constexpr char kTokenizerConfig[] = "tokenizer_config.json";
constexpr char kModelConfig[] = "config.json";
constexpr char kGenerationConfig[] = "generation_config.json";

// An empty object where the folder lacks the file.
absl::StatusOr<Json> ReadOptionalJson(const std::string& folder, const std::string& name) {
  const absl::StatusOr<std::string> text = ReadInsideFolder(folder, name, kMaxSettingsBytes);
  if (absl::IsNotFound(text.status())) return Json::object();
  RETURN_IF_ERROR(text.status());
  const std::string path = JoinPath(folder, name);
  ASSIGN_OR_RETURN(Json json, ParseJson(*text, path));
  if (!json.is_object()) return absl::InvalidArgumentError(absl::StrCat(path, ": not an object"));
  return json;
}

// A token is written as its text or as {"content": text, ...}; empty where there is none.
absl::StatusOr<std::string> TokenText(const Json& config, const char* key) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  return JsonString(*found, "content", absl::StrCat(kTokenizerConfig, ", ", key));
}

absl::StatusOr<int64_t> TokenIdOrNone(const Tokenizer& tokenizer, const std::string& token, absl::string_view key) {
  if (token.empty()) return -1;
  const int64_t id = tokenizer.TokenId(token);
  if (id >= 0) return id;
  return absl::InvalidArgumentError(
      absl::StrCat(kTokenizerConfig, ": ", key, " ", token, " is not a token of ", kTokenizerFile));
}

absl::StatusOr<bool> Flag(const Json& config, const char* key) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return false;
  return JsonBool(config, key, kTokenizerConfig);
}

// The error for a folder whose tokenizer is none that is read.
absl::Status NoTokenizer(const std::string& folder) {
  constexpr char kRankFile[] = "tiktoken.model";
  const std::string missing = absl::StrCat(JoinPath(folder, kTokenizerFile), ": no such file");
  if (!FileExists(JoinPath(folder, kRankFile))) return absl::NotFoundError(missing);
  return absl::NotFoundError(
      absl::StrCat(missing, "; the folder has ", kRankFile, ", which only code of its own reads: a ", kTokenizerFile,
                   " of the same vocabulary has to be put beside it, or ids go in and out instead of text"));
}

// An id that the model, whose config.json is given, does not have ends nothing.
absl::Status CheckEosIds(const std::vector<int64_t>& ids, const Json& model, absl::string_view what) {
  const auto found = model.find("vocab_size");
  const bool given = found != model.end() && found->is_number_integer();
  const int64_t vocab_size = given ? found->get<int64_t>() : std::numeric_limits<int64_t>::max();
  for (const int64_t id : ids) {
    if (id >= 0 && id < vocab_size) continue;
    return absl::InvalidArgumentError(absl::StrCat(what, ": eos_token_id is ", id, ", expected 0 ... ", vocab_size - 1,
                                                   given ? ", the vocabulary of config.json" : ""));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int64_t>> EosTokenIds(const Json& config, absl::string_view what) {
  const auto found = config.find("eos_token_id");
  if (found == config.end() || found->is_null()) return std::vector<int64_t>();
  if (found->is_array()) return JsonInts(config, "eos_token_id", what);
  ASSIGN_OR_RETURN(const int64_t id, JsonInt(config, "eos_token_id", what));
  return std::vector<int64_t>{id};
}

// The text of the template; empty where there is none. Of several named ones the one named default.
absl::StatusOr<std::string> TemplateText(const std::string& folder, const Json& config) {
  constexpr char kJinjaFile[] = "chat_template.jinja";
  absl::StatusOr<std::string> file = ReadInsideFolder(folder, kJinjaFile, kMaxSettingsBytes);
  if (!absl::IsNotFound(file.status())) return file;
  const auto found = config.find("chat_template");
  if (found == config.end() || found->is_null()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  if (found->is_array()) {
    for (const Json& entry : *found) {
      if (entry.is_object() && entry.contains("name") && entry["name"] == "default") {
        return JsonString(entry, "template", "tokenizer_config.json, chat_template");
      }
    }
  }
  return absl::InvalidArgumentError(
      "tokenizer_config.json: chat_template is neither a text nor a list of {name, template} with one named default");
}

}  // namespace

absl::StatusOr<std::unique_ptr<TextCodec>> TextCodec::Load(const std::string& folder) {
  auto codec = std::unique_ptr<TextCodec>(new TextCodec());
  const absl::StatusOr<std::string> tokenizer = ReadInsideFolder(folder, kTokenizerFile, kMaxTokenizerBytes);
  if (absl::IsNotFound(tokenizer.status())) return NoTokenizer(folder);
  RETURN_IF_ERROR(tokenizer.status());
  ASSIGN_OR_RETURN(codec->tokenizer_, Tokenizer::Parse(*tokenizer, JoinPath(folder, kTokenizerFile)));
  ASSIGN_OR_RETURN(const Json config, ReadOptionalJson(folder, kTokenizerConfig));
  const absl::Status status = codec->ReadSettings(folder, config);
  if (!status.ok()) return Annotate(status, folder);
  return codec;
}

absl::Status TextCodec::ReadSpecialTokens(const Json& config) {
  token_texts_ = {{"bos_token", ""}, {"eos_token", ""}};
  for (const char* key : {"bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token"}) {
    ASSIGN_OR_RETURN(const std::string token, TokenText(config, key));
    if (!token.empty()) token_texts_[key] = token;
  }
  ASSIGN_OR_RETURN(bos_id_, TokenIdOrNone(*tokenizer_, token_texts_["bos_token"], "bos_token"));
  ASSIGN_OR_RETURN(eos_id_, TokenIdOrNone(*tokenizer_, token_texts_["eos_token"], "eos_token"));
  ASSIGN_OR_RETURN(add_bos_token_, Flag(config, "add_bos_token"));
  // Never obeyed, for a prompt that has ended cannot be answered; SFT ends completions itself.
  RETURN_IF_ERROR(Flag(config, "add_eos_token").status());
  if (!add_bos_token_ || bos_id_ >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(kTokenizerConfig, ": add_bos_token is true, but there is no bos_token"));
}

absl::Status TextCodec::ReadSettings(const std::string& folder, const Json& config) {
  RETURN_IF_ERROR(ReadSpecialTokens(config));
  RETURN_IF_ERROR(ReadEndIds(folder));
  ASSIGN_OR_RETURN(const std::string source, TemplateText(folder, config));
  if (source.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<ChatTemplate>> parsed = ChatTemplate::Parse(source);
  if (!parsed.ok()) return Annotate(parsed.status(), "chat template");
  chat_template_ = *std::move(parsed);
  return absl::OkStatus();
}

absl::Status TextCodec::ReadEndIds(const std::string& folder) {
  ASSIGN_OR_RETURN(const Json model, ReadOptionalJson(folder, kModelConfig));
  ASSIGN_OR_RETURN(const Json generation, ReadOptionalJson(folder, kGenerationConfig));
  for (const auto& [file, config] : {std::pair(kGenerationConfig, &generation), std::pair(kModelConfig, &model)}) {
    ASSIGN_OR_RETURN(end_ids_, EosTokenIds(*config, file));
    RETURN_IF_ERROR(CheckEosIds(end_ids_, model, file));
    if (!end_ids_.empty()) break;
  }
  if (eos_id_ >= 0) end_ids_.push_back(eos_id_);
  if (eos_id_ < 0 && !end_ids_.empty()) eos_id_ = end_ids_.front();
  std::sort(end_ids_.begin(), end_ids_.end());
  end_ids_.erase(std::unique(end_ids_.begin(), end_ids_.end()), end_ids_.end());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int64_t>> TextCodec::EncodeText(absl::string_view text, bool add_special_tokens) const {
  ASSIGN_OR_RETURN(EncodedText encoded, tokenizer_->Encode(text, add_special_tokens));
  std::vector<int64_t>& ids = encoded.ids;
  if (!add_special_tokens) return std::move(ids);
  // A token without bytes came from the post-processor.
  const auto stands_in_text = [&](size_t i) { return encoded.spans[i].end > encoded.spans[i].begin; };
  if (ids.size() > 1 && ids[0] == ids[1] && !stands_in_text(0) && stands_in_text(1)) ids.erase(ids.begin());
  if (add_bos_token_ && (ids.empty() || ids[0] != bos_id_)) ids.insert(ids.begin(), bos_id_);
  return std::move(ids);
}

absl::StatusOr<RenderedChat> TextCodec::Render(const Json& messages, bool add_generation_prompt) const {
  if (chat_template_ == nullptr) {
    return absl::InvalidArgumentError(
        "the policy folder has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json)");
  }
  Json variables = token_texts_;
  variables["messages"] = messages;
  variables["add_generation_prompt"] = add_generation_prompt;
  // Templates ask whether these are none, which the undefined value is not.
  variables["tools"] = nullptr;
  variables["documents"] = nullptr;
  const absl::StatusOr<RenderedChat> rendered = chat_template_->Render(variables);
  if (rendered.ok()) return rendered;
  // A template that takes too long is a bad template, not a small machine.
  return absl::InvalidArgumentError(absl::StrCat("chat template: ", rendered.status().message()));
}

absl::StatusOr<EncodedChat> TextCodec::EncodeChat(const Json& messages, bool add_generation_prompt) const {
  ASSIGN_OR_RETURN(RenderedChat rendered, Render(messages, add_generation_prompt));
  ASSIGN_OR_RETURN(EncodedText encoded, tokenizer_->Encode(rendered.text, /*add_special_tokens=*/false));
  EncodedChat chat;
  if (chat_template_->has_generation_blocks()) {
    chat.train_mask = MaskOfSpans(encoded, rendered.assistant_spans);
  } else if (!add_generation_prompt) {
    const auto render = [&](const Json& prefix, bool prompt) -> absl::StatusOr<std::string> {
      ASSIGN_OR_RETURN(RenderedChat part, Render(prefix, prompt));
      return std::move(part.text);
    };
    ASSIGN_OR_RETURN(const std::vector<ByteSpan> spans, AssistantSpansByPrefixes(messages, rendered.text, render));
    RETURN_IF_ERROR(CheckEnds(encoded, spans, end_ids_));
    chat.train_mask = MaskOfSpans(encoded, spans);
    TrimBehindEnd(encoded, spans, end_ids_, &chat.train_mask);
  } else {
    chat.train_mask.assign(encoded.ids.size(), false);
  }
  chat.text = std::move(rendered.text);
  chat.ids = std::move(encoded.ids);
  return chat;
}

}  // namespace plumb
