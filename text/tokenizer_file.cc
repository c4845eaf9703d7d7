#include "text/tokenizer_file.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

constexpr int64_t kMaxTokens = int64_t{1} << 21;
// Bounds the time that looking for added tokens takes at each place of a text.
constexpr size_t kMaxAddedTokenBytes = 4096;

const Json& MemberOrNull(const Json& json, const char* key) {
  static const Json& null = *new Json();
  const auto found = json.find(key);
  return found == json.end() ? null : *found;
}

absl::StatusOr<AddedToken> ReadAddedToken(const Json& json) {
  if (!json.is_object()) return absl::InvalidArgumentError("added_tokens: an entry is not an object");
  AddedToken token;
  ASSIGN_OR_RETURN(token.id, JsonInt(json, "id", "added_tokens"));
  ASSIGN_OR_RETURN(token.content, JsonString(json, "content", "added_tokens"));
  if (token.id < 0 || token.id >= kMaxTokens) {
    return absl::InvalidArgumentError(
        absl::StrCat("added_tokens: id ", token.id, " of ", token.content, ", expected 0 to ", kMaxTokens - 1));
  }
  if (token.content.size() > kMaxAddedTokenBytes) {
    return absl::InvalidArgumentError(absl::StrCat("added_tokens: the token of id ", token.id, " has ",
                                                   token.content.size(), " bytes, at most ", kMaxAddedTokenBytes));
  }
  for (const auto& [key, flag] : {std::pair<const char*, bool*>{"single_word", &token.single_word},
                                  {"lstrip", &token.lstrip},
                                  {"rstrip", &token.rstrip},
                                  {"normalized", &token.normalized},
                                  {"special", &token.special}}) {
    ASSIGN_OR_RETURN(*flag, JsonBool(json, key, absl::StrCat("added_tokens ", token.content)));
  }
  return token;
}

absl::Status CheckModelIds(const BpeModel& model) {
  absl::flat_hash_map<int64_t, std::string> token_of_id;
  for (const auto& [token, id] : model.vocabulary()) {
    const auto [other, is_new] = token_of_id.emplace(id, token);
    if (is_new) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("model: id ", id, " belongs to \"", token, "\" and to \"", other->second, "\""));
  }
  return absl::OkStatus();
}

// The library gives out the ids of added tokens anew, in the order of the file: a token of the model has its id there,
// another one the next behind the vocabulary and the added tokens before it. A file with other ids would be read with
// tokens that its model was not trained with.
absl::Status CheckAddedIds(const TokenizerFile& file) {
  const auto vocabulary_size = static_cast<int64_t>(file.model.vocabulary().size());
  absl::flat_hash_map<int64_t, std::string> token_of_id;
  absl::flat_hash_set<std::string> contents;
  int64_t largest = -1;
  for (const AddedToken& token : file.added_tokens) {
    if (token.content.empty() || !contents.insert(token.content).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("added_tokens: id ", token.id, ": the content \"", token.content, "\" is empty or given twice"));
    }
    const auto in_model = file.model.vocabulary().find(token.content);
    const bool is_known = in_model != file.model.vocabulary().end();
    const int64_t next = is_known ? in_model->second : std::max(vocabulary_size, largest + 1);
    if (token.id != next) {
      return absl::InvalidArgumentError(absl::StrCat(
          "added_tokens: id of ", token.content, " is ", token.id, ", expected ", next,
          is_known ? ", which it has in the model's vocab"
                   : ", the next one behind the vocabulary; Hugging Face tokenizers would renumber it silently"));
    }
    const auto [other, is_new] = token_of_id.emplace(token.id, token.content);
    if (!is_new) {
      return absl::InvalidArgumentError(
          absl::StrCat("added_tokens: id ", token.id, " belongs to ", other->second, " and to ", token.content));
    }
    largest = std::max(largest, token.id);
  }
  return absl::OkStatus();
}

// The ids that a post-processor adds must be tokens, or a model could not look them up.
absl::Status CheckPostProcessorIds(const TokenizerFile& file) {
  absl::flat_hash_set<int64_t> known;
  for (const auto& [token, id] : file.model.vocabulary()) known.insert(id);
  for (const AddedToken& token : file.added_tokens) known.insert(token.id);
  for (const std::vector<int64_t>* ids : {&file.ids_before, &file.ids_after}) {
    for (const int64_t id : *ids) {
      if (!known.contains(id)) {
        return absl::InvalidArgumentError(absl::StrCat("post_processor: id ", id, " is not a token of the file"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status AddSpecialToken(const Json& item, const Json& special_tokens, std::vector<int64_t>* ids) {
  ASSIGN_OR_RETURN(const std::string name, JsonString(item["SpecialToken"], "id", "post_processor SpecialToken"));
  if (!special_tokens.is_object() || !special_tokens.contains(name)) {
    return absl::InvalidArgumentError(absl::StrCat("post_processor: ", name, " is not among special_tokens"));
  }
  ASSIGN_OR_RETURN(const std::vector<int64_t> own, JsonInts(special_tokens[name], "ids", "post_processor"));
  ids->insert(ids->end(), own.begin(), own.end());
  return absl::OkStatus();
}

absl::Status ReadTemplate(const Json& json, TokenizerFile* file) {
  const Json& single = MemberOrNull(json, "single");
  if (!single.is_array())
    return absl::InvalidArgumentError("post_processor: TemplateProcessing without a list `single`");
  std::vector<int64_t> before, after;
  bool text_seen = false;
  for (const Json& item : single) {
    if (item.contains("SpecialToken")) {
      RETURN_IF_ERROR(AddSpecialToken(item, MemberOrNull(json, "special_tokens"), text_seen ? &after : &before));
    } else if (item.contains("Sequence") && !text_seen) {
      ASSIGN_OR_RETURN(const std::string id, JsonString(item["Sequence"], "id", "post_processor Sequence"));
      if (id != "A") return absl::InvalidArgumentError(absl::StrCat("post_processor: Sequence ", id, " in `single`"));
      text_seen = true;
    } else {
      return absl::InvalidArgumentError(absl::StrCat("post_processor: unexpected ", DumpJson(item), " in `single`"));
    }
  }
  if (!text_seen) return absl::InvalidArgumentError("post_processor: `single` has no Sequence");
  file->ids_before.insert(file->ids_before.begin(), before.begin(), before.end());
  file->ids_after.insert(file->ids_after.end(), after.begin(), after.end());
  return absl::OkStatus();
}

absl::Status ReadPostProcessor(const Json& json, TokenizerFile* file) {
  if (json.is_null()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string type, JsonString(json, "type", "post_processor"));
  if (type == "ByteLevel") return absl::OkStatus();  // it only trims offsets
  if (type == "TemplateProcessing") return ReadTemplate(json, file);
  if (type != "Sequence") {
    return absl::InvalidArgumentError(absl::StrCat(
        "post_processor: type ", type, " is not supported; expected ByteLevel, TemplateProcessing or Sequence"));
  }
  const Json& parts = MemberOrNull(json, "processors");
  if (!parts.is_array()) return absl::InvalidArgumentError("post_processor: Sequence without a list `processors`");
  for (const Json& part : parts) RETURN_IF_ERROR(ReadPostProcessor(part, file));
  return absl::OkStatus();
}

absl::Status CheckDecoder(const Json& json) {
  if (json.is_null()) return absl::InvalidArgumentError("decoder: null, expected ByteLevel");
  ASSIGN_OR_RETURN(const std::string type, JsonString(json, "type", "decoder"));
  if (type == "ByteLevel") return absl::OkStatus();
  const Json& parts = MemberOrNull(json, "decoders");
  if (type != "Sequence" || !parts.is_array() || parts.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "decoder: type ", type, " is not supported; expected ByteLevel, or a Sequence of ByteLevel and Fuse"));
  }
  RETURN_IF_ERROR(CheckDecoder(parts[0]));
  // Fuse joins texts, which ByteLevel has done.
  for (size_t i = 1; i < parts.size(); ++i) {
    ASSIGN_OR_RETURN(const std::string part, JsonString(parts[i], "type", "decoder"));
    if (part != "Fuse") return absl::InvalidArgumentError(absl::StrCat("decoder: ", part, " behind ByteLevel"));
  }
  return absl::OkStatus();
}

}  // namespace

// `truncation` and `padding` are not read: they are left over from calls of those who made the file, and transformers
// takes them back before each of its own.
absl::StatusOr<TokenizerFile> ReadTokenizerFile(const Json& json) {
  if (!json.is_object()) return absl::InvalidArgumentError("not an object");
  TokenizerFile file;
  if (json.contains("version") && json["version"] != "1.0") {
    return absl::InvalidArgumentError(absl::StrCat("version is ", DumpJson(json["version"]), ", expected \"1.0\""));
  }
  ASSIGN_OR_RETURN(file.model, BpeModel::FromJson(MemberOrNull(json, "model")));
  ASSIGN_OR_RETURN(file.normalizer, Normalizer::FromJson(MemberOrNull(json, "normalizer")));
  ASSIGN_OR_RETURN(file.pre_tokenizer, PreTokenizer::FromJson(MemberOrNull(json, "pre_tokenizer")));
  const Json& added = MemberOrNull(json, "added_tokens");
  if (!added.is_null() && !added.is_array()) return absl::InvalidArgumentError("added_tokens: not a list");
  for (const Json& entry : added) {
    ASSIGN_OR_RETURN(AddedToken token, ReadAddedToken(entry));
    file.added_tokens.push_back(std::move(token));
  }
  RETURN_IF_ERROR(CheckModelIds(file.model));
  RETURN_IF_ERROR(CheckAddedIds(file));
  RETURN_IF_ERROR(ReadPostProcessor(MemberOrNull(json, "post_processor"), &file));
  RETURN_IF_ERROR(CheckPostProcessorIds(file));
  RETURN_IF_ERROR(CheckDecoder(MemberOrNull(json, "decoder")));
  return file;
}

}  // namespace plumb
