#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "checkpoint/model_folder.h"

namespace plumb {
namespace {

constexpr const char* kTextFiles[] = {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
                                      "special_tokens_map.json", "generation_config.json"};

using Shard = std::vector<NamedTensorBytes>;

// Fills shards in the order of the tensors; a tensor larger than the limit gets its own.
std::vector<Shard> SplitIntoShards(const std::vector<NamedTensorBytes>& tensors, int64_t max_bytes) {
  std::vector<Shard> shards(1);
  int64_t shard_bytes = 0;
  for (const NamedTensorBytes& item : tensors) {
    const int64_t bytes = static_cast<int64_t>(item.tensor.bytes.size());
    if (!shards.back().empty() && shard_bytes + bytes > max_bytes) {
      shards.emplace_back();
      shard_bytes = 0;
    }
    shards.back().push_back(item);
    shard_bytes += bytes;
  }
  return shards;
}

std::string FormatIndex(const std::map<std::string, std::string>& weight_map, int64_t total_bytes) {
  Json::object_t members;  // Filled by emplace_back: the Json's own operator[] searches all keys.
  for (const auto& [name, file] : weight_map) members.emplace_back(name, Json(file));
  Json index;
  index["metadata"]["total_size"] = total_bytes;
  index["weight_map"] = Json(std::move(members));
  return DumpJson(index, 2) + "\n";
}

absl::Status WriteShards(const std::string& path, const std::vector<Shard>& shards) {
  std::map<std::string, std::string> weight_map;
  int64_t total_bytes = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string file = absl::StrFormat("model-%05d-of-%05d.safetensors", i + 1, shards.size());
    RETURN_IF_ERROR(WriteSafetensors(JoinPath(path, file), shards[i]));
    for (const auto& [name, tensor] : shards[i]) {
      if (!weight_map.emplace(name, file).second) {
        return absl::InvalidArgumentError(absl::StrCat(path, ": ", name, ": given twice"));
      }
      total_bytes += static_cast<int64_t>(tensor.bytes.size());
    }
  }
  return WriteFileAtomic(JoinPath(path, "model.safetensors.index.json"), FormatIndex(weight_map, total_bytes));
}

absl::Status CopyTextFiles(const std::string& from, const std::string& to) {
  for (const char* name : kTextFiles) {
    const std::string source = JoinPath(from, name);
    if (!FileExists(source)) continue;
    ASSIGN_OR_RETURN(const std::string content, ReadFile(source));
    RETURN_IF_ERROR(WriteFileAtomic(JoinPath(to, name), content));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteModelFolder(const std::string& path, const ModelFolderContent& content) {
  RETURN_IF_ERROR(WriteFileAtomic(JoinPath(path, "config.json"), DumpJson(content.config, 2) + "\n"));
  if (!content.copy_text_files_from.empty()) RETURN_IF_ERROR(CopyTextFiles(content.copy_text_files_from, path));
  const std::vector<Shard> shards = SplitIntoShards(content.tensors, content.max_shard_bytes);
  if (shards.size() > 1) return WriteShards(path, shards);
  return WriteSafetensors(JoinPath(path, "model.safetensors"), shards.front());
}

}  // namespace plumb
