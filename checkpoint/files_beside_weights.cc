#include "checkpoint/files_beside_weights.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "base/file.h"
#include "base/inside_folder.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

constexpr const char* kTextFiles[] = {
    "tokenizer.json", "tokenizer_config.json",   "chat_template.jinja", "chat_template.json", "vocab.json",
    "merges.txt",     "special_tokens_map.json", "added_tokens.json",   "tiktoken.model",     "generation_config.json",
    "LICENSE",        "LICENSE-MODEL",           "LICENSE-CODE"};
// The code that `auto_map` in config.json may name. It is copied, never run.
constexpr const char* kCodeFiles[] = {"configuration_", "modeling_", "tokenization_"};

bool IsCodeFile(const std::string& name) {
  if (!absl::EndsWith(name, ".py")) return false;
  return std::any_of(std::begin(kCodeFiles), std::end(kCodeFiles),
                     [&](const char* prefix) { return absl::StartsWith(name, prefix); });
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FilesBesideWeights(const std::string& folder) {
  // A run may outlive the folder that it started from; its weights are worth saving all the same.
  if (!FolderExists(folder)) return std::vector<std::string>();
  ASSIGN_OR_RETURN(std::vector<std::string> names, ListFolder(folder));
  std::erase_if(names, [](const std::string& name) {
    return !IsCodeFile(name) && std::find(std::begin(kTextFiles), std::end(kTextFiles), name) == std::end(kTextFiles);
  });
  for (const std::string& name : names) RETURN_IF_ERROR(MapInsideFolder(folder, name).status());
  return names;
}

}  // namespace plumb
