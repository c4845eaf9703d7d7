#include "tools/models/token_notes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/inside_folder.h"
#include "base/json.h"
#include "base/status_macros.h"

namespace plumb::cli {
namespace {

constexpr size_t kMaxBytes = size_t{16} << 20;

// A file of the folder; an empty object where there is none.
absl::StatusOr<Json> ReadIfThere(const std::string& folder, const std::string& name) {
  const absl::StatusOr<std::string> text = ReadInsideFolder(folder, name, kMaxBytes);
  if (absl::IsNotFound(text.status())) return Json::object();
  RETURN_IF_ERROR(text.status());
  return ParseJson(*text, JoinPath(folder, name));
}

// One id or a list of them; what is neither has none.
std::vector<int64_t> TokenIds(const Json& settings, const char* key) {
  const Json given = settings.value(key, Json());
  if (given.is_number_integer()) return {given.get<int64_t>()};
  const absl::StatusOr<std::vector<int64_t>> ids = JsonInts(settings, key, "");
  return ids.ok() ? *ids : std::vector<int64_t>();
}

// Notes collected over the files. Not thread-safe.
class Notes {
 public:
  explicit Notes(const TextCodec& codec) : codec_(codec) {}

  void CheckBos(absl::string_view file, const std::vector<int64_t>& ids) {
    for (const int64_t id : ids) {
      if (codec_.bos_id() < 0 || id == codec_.bos_id()) continue;
      notes_.push_back(absl::StrCat(file, " says bos_token_id ", id, ", but the tokenizer's bos_token is ",
                                    codec_.bos_id(), ", which is used"));
    }
  }

  void CheckEos(absl::string_view file, const std::vector<int64_t>& ids) {
    for (const int64_t id : ids) {
      if (std::binary_search(codec_.end_ids().begin(), codec_.end_ids().end(), id)) continue;
      notes_.push_back(absl::StrCat(file, " says eos_token_id ", id, ", but what ends a completion is ",
                                    absl::StrJoin(codec_.end_ids(), ", ")));
    }
  }

  // `files` holds the ids that generation_config.json and config.json name.
  void CheckTokenizersEos(const std::vector<int64_t>& files) {
    const int64_t eos = codec_.eos_id();
    if (files.empty() || eos < 0 || std::find(files.begin(), files.end(), eos) != files.end()) return;
    notes_.push_back(absl::StrCat("the tokenizer's eos_token is ", eos, ", which ends a completion here, but neither ",
                                  "generation_config.json nor config.json says so"));
  }

  void Add(std::string note) { notes_.push_back(std::move(note)); }
  std::vector<std::string> Take() { return std::move(notes_); }

 private:
  const TextCodec& codec_;
  std::vector<std::string> notes_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> TokenNotes(const std::string& folder, const ModelConfig& config,
                                                    const TextCodec& codec) {
  ASSIGN_OR_RETURN(const Json generation, ReadIfThere(folder, "generation_config.json"));
  ASSIGN_OR_RETURN(const Json tokenizer, ReadIfThere(folder, "tokenizer_config.json"));
  const std::vector<int64_t> generation_eos = TokenIds(generation, "eos_token_id");
  Notes notes(codec);
  notes.CheckBos("config.json", TokenIds(config.source, "bos_token_id"));
  notes.CheckBos("generation_config.json", TokenIds(generation, "bos_token_id"));
  notes.CheckEos("config.json", config.eos_ids);
  std::vector<int64_t> named = config.eos_ids;
  named.insert(named.end(), generation_eos.begin(), generation_eos.end());
  notes.CheckTokenizersEos(named);
  if (tokenizer.value("add_eos_token", Json()) == true) {
    notes.Add(
        "tokenizer_config.json says add_eos_token, which is not obeyed: a prompt that has ended cannot be answered");
  }
  return notes.Take();
}

}  // namespace plumb::cli
