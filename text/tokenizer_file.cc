#include "text/tokenizer_file.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/status_macros.h"

namespace plumb {
namespace {

constexpr int64_t kMaxTokens = int64_t{1} << 24;
// Tables by id are as long as the largest id, so a small file may not have a large one: ids may skip this many.
constexpr int64_t kMaxUnusedIds = int64_t{1} << 18;
// Bounds the time that looking for added tokens takes at each place of a text.
constexpr size_t kMaxAddedTokenBytes = 4096;

Json MemberOrNull(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() ? Json() : *found;
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

using TokenOfId = absl::flat_hash_map<int64_t, std::string>;

absl::Status CheckRange(const TokenOfId& token_of_id) {
  const auto largest = std::max_element(token_of_id.begin(), token_of_id.end(),
                                        [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto count = static_cast<int64_t>(token_of_id.size());
  if (largest == token_of_id.end() || largest->first < count + kMaxUnusedIds) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("id ", largest->first, " of \"", largest->second,
                                                 "\", expected at most ", count + kMaxUnusedIds - 1, " with ", count,
                                                 " tokens"));
}

absl::Status CheckPostProcessor(const TokenizerFile& file, const TokenOfId& token_of_id) {
  for (const auto* ids : {&file.ids_before, &file.ids_after}) {
    for (const int64_t id : *ids) {
      if (token_of_id.contains(id)) continue;
      return absl::InvalidArgumentError(absl::StrCat("post_processor: id ", id, " belongs to no token"));
    }
  }
  return absl::OkStatus();
}

// The library gives out ids anew and warns where they differ from the file's; here the file must agree with itself.
absl::Status CheckIds(const TokenizerFile& file) {
  TokenOfId token_of_id;
  for (const auto& [token, id] : file.model.vocabulary()) {
    const auto [other, is_new] = token_of_id.emplace(id, token);
    if (!is_new) {
      return absl::InvalidArgumentError(
          absl::StrCat("model: id ", id, " belongs to \"", token, "\" and to \"", other->second, "\""));
    }
  }
  std::set<absl::string_view> added;
  for (const AddedToken& token : file.added_tokens) {
    if (!added.insert(token.content).second) {
      return absl::InvalidArgumentError(absl::StrCat("added_tokens: ", token.content, " is given twice"));
    }
    const auto in_model = file.model.vocabulary().find(token.content);
    if (in_model != file.model.vocabulary().end() && in_model->second != token.id) {
      return absl::InvalidArgumentError(absl::StrCat("added_tokens: id of ", token.content, " is ", token.id, ", but ",
                                                     in_model->second, " in the model's vocab"));
    }
    const auto [other, is_new] = token_of_id.emplace(token.id, token.content);
    if (!is_new && other->second != token.content) {
      return absl::InvalidArgumentError(absl::StrCat("added_tokens: id ", token.id, " of ", token.content,
                                                     " belongs to \"", other->second, "\" too"));
    }
  }
  RETURN_IF_ERROR(CheckRange(token_of_id));
  return CheckPostProcessor(file, token_of_id);
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
  const Json single = MemberOrNull(json, "single");
  if (!single.is_array())
    return absl::InvalidArgumentError("post_processor: TemplateProcessing without a list `single`");
  std::vector<int64_t> before, after;
  bool text_seen = false;
  for (const Json& item : single) {
    if (item.contains("SpecialToken")) {
      RETURN_IF_ERROR(AddSpecialToken(item, MemberOrNull(json, "special_tokens"), text_seen ? &after : &before));
    } else if (item.contains("Sequence") && !text_seen) {
      text_seen = true;
    } else {
      return absl::InvalidArgumentError(absl::StrCat("post_processor: unexpected ", item.dump(), " in `single`"));
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
  for (const Json& part : MemberOrNull(json, "processors")) RETURN_IF_ERROR(ReadPostProcessor(part, file));
  return absl::OkStatus();
}

absl::Status CheckDecoder(const Json& json) {
  if (json.is_null()) return absl::InvalidArgumentError("decoder: null, expected ByteLevel");
  ASSIGN_OR_RETURN(const std::string type, JsonString(json, "type", "decoder"));
  if (type == "ByteLevel") return absl::OkStatus();
  const Json parts = MemberOrNull(json, "decoders");
  if (type == "Sequence" && parts.is_array() && parts.size() == 1) return CheckDecoder(parts[0]);
  return absl::InvalidArgumentError(absl::StrCat("decoder: type ", type, " is not supported; expected ByteLevel"));
}

}  // namespace

absl::StatusOr<TokenizerFile> ReadTokenizerFile(const Json& json) {
  if (!json.is_object()) return absl::InvalidArgumentError("not an object");
  TokenizerFile file;
  ASSIGN_OR_RETURN(file.model, BpeModel::FromJson(MemberOrNull(json, "model")));
  ASSIGN_OR_RETURN(file.normalizer, Normalizer::FromJson(MemberOrNull(json, "normalizer")));
  ASSIGN_OR_RETURN(file.pre_tokenizer, PreTokenizer::FromJson(MemberOrNull(json, "pre_tokenizer")));
  for (const Json& entry : MemberOrNull(json, "added_tokens")) {
    ASSIGN_OR_RETURN(AddedToken token, ReadAddedToken(entry));
    file.added_tokens.push_back(std::move(token));
  }
  RETURN_IF_ERROR(ReadPostProcessor(MemberOrNull(json, "post_processor"), &file));
  RETURN_IF_ERROR(CheckIds(file));
  RETURN_IF_ERROR(CheckDecoder(MemberOrNull(json, "decoder")));
  return file;
}

}  // namespace plumb
