#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "checkpoint/files_beside_weights.h"
#include "checkpoint/model_folder.h"

namespace plumb {
namespace {

constexpr size_t kMaxTextFileBytes = size_t{256} << 20;
using Shard = std::vector<StreamedTensor>;

// Fills shards in the order of the tensors; a tensor larger than the limit gets its own.
absl::StatusOr<std::vector<Shard>> SplitIntoShards(const std::vector<StreamedTensor>& tensors, int64_t max_bytes) {
  std::vector<Shard> shards(1);
  int64_t shard_bytes = 0;
  for (const StreamedTensor& tensor : tensors) {
    ASSIGN_OR_RETURN(const int64_t bytes, StreamedBytes(tensor));
    if (!shards.back().empty() && shard_bytes + bytes > max_bytes) {
      shards.emplace_back();
      shard_bytes = 0;
    }
    shards.back().push_back(tensor);
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
    RETURN_IF_ERROR(StreamSafetensors(JoinPath(path, file), shards[i]));
    for (const StreamedTensor& tensor : shards[i]) {
      if (!weight_map.emplace(tensor.name, file).second) {
        return absl::InvalidArgumentError(absl::StrCat(path, ": ", tensor.name, ": given twice"));
      }
      ASSIGN_OR_RETURN(const int64_t bytes, StreamedBytes(tensor));
      total_bytes += bytes;
    }
  }
  return WriteFileAtomic(JoinPath(path, "model.safetensors.index.json"), FormatIndex(weight_map, total_bytes));
}

absl::Status CopyTextFiles(const std::string& from, const std::string& to) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, FilesBesideWeights(from));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const std::string content, ReadInsideFolder(from, name, kMaxTextFileBytes));
    RETURN_IF_ERROR(WriteFileAtomic(JoinPath(to, name), content));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteModelFolder(const std::string& path, const ModelFolderContent& content) {
  RETURN_IF_ERROR(WriteFileAtomic(JoinPath(path, "config.json"), DumpJson(content.config, 2) + "\n"));
  if (!content.copy_text_files_from.empty()) RETURN_IF_ERROR(CopyTextFiles(content.copy_text_files_from, path));
  ASSIGN_OR_RETURN(const std::vector<Shard> shards, SplitIntoShards(content.tensors, content.max_shard_bytes));
  if (shards.size() > 1) return WriteShards(path, shards);
  return StreamSafetensors(JoinPath(path, "model.safetensors"), shards.front());
}

}  // namespace plumb
