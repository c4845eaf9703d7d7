#include "checkpoint/model_folder.h"

#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "checkpoint/file_name.h"
#include "checkpoint/files_beside_weights.h"

namespace plumb {
namespace {

constexpr char kSingleFile[] = "model.safetensors";
constexpr char kIndexFile[] = "model.safetensors.index.json";
// The index of a model with 61 layers of 256 experts has 9 MB.
constexpr size_t kMaxJsonBytes = size_t{64} << 20;

// A link that leads nowhere is there: it is a file that was lost, not one that was never made.
bool IsThere(const std::string& folder, const std::string& name) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(JoinPath(folder, name), error));
}

absl::StatusOr<Json> ReadJsonObject(const std::string& folder, const std::string& name) {
  const std::string path = JoinPath(folder, name);
  ASSIGN_OR_RETURN(const std::string text, ReadInsideFolder(folder, name, kMaxJsonBytes));
  ASSIGN_OR_RETURN(Json json, ParseJson(text, path));
  if (!json.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is ", json.type_name(), ", expected an object"));
  }
  return json;
}

// The files of a folder that are named as shards are, "model-00001-of-00003.safetensors", sorted.
absl::StatusOr<std::vector<std::string>> ShardsIn(const std::string& folder) {
  ASSIGN_OR_RETURN(std::vector<std::string> names, ListFolder(folder));
  std::erase_if(names, [](const std::string& name) {
    return !absl::StartsWith(name, "model-") || !absl::StrContains(name, "-of-") ||
           !absl::EndsWith(name, ".safetensors");
  });
  return names;
}

// Tensor name -> name of its shard.
absl::StatusOr<std::map<std::string, std::string>> ReadIndex(const std::string& folder) {
  const std::string path = JoinPath(folder, kIndexFile);
  ASSIGN_OR_RETURN(const Json index, ReadJsonObject(folder, kIndexFile));
  const auto weight_map = index.find("weight_map");
  if (weight_map == index.end() || !weight_map->is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": weight_map is missing or not an object"));
  }
  std::map<std::string, std::string> shards;
  for (const auto& [name, shard] : weight_map->items()) {
    if (!shard.is_string() || !IsPlainFileName(shard.get<std::string>())) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": weight_map: ", name, " is in ", DumpJson(shard),
                                                     ", expected the name of a file in the same folder"));
    }
    shards[name] = shard.get<std::string>();
  }
  return shards;
}

absl::StatusOr<std::unique_ptr<SafetensorsFile>> OpenShard(const std::string& folder, const std::string& name) {
  if (!IsThere(folder, name)) return absl::NotFoundError(absl::StrCat(JoinPath(folder, name), ": file not found"));
  ASSIGN_OR_RETURN(std::unique_ptr<MappedFile> mapped, MapInsideFolder(folder, name));
  return SafetensorsFile::Read(std::move(mapped));
}

// Every tensor of the shards has to be in the index: one that is not would be lost without a word.
absl::Status CheckIndexed(const std::map<std::string, std::string>& index, const std::string& shard,
                          const SafetensorsFile& file) {
  for (const auto& [name, tensor] : file.tensors()) {
    const auto found = index.find(name);
    if (found != index.end() && found->second == shard) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(file.path(), ": ", name, " is not in ", kIndexFile, found == index.end() ? "" : " for this file"));
  }
  return absl::OkStatus();
}

// Shards without their index are not read: nothing says that they are all.
std::string ShardHint(const std::string& folder) {
  const absl::StatusOr<std::vector<std::string>> shards = ShardsIn(folder);
  if (!shards.ok() || shards->empty()) return "";
  return absl::StrCat("; it has ", absl::StrJoin(*shards, ", "), ", which need their index");
}

// Reading a pickle runs what is in it.
std::string PickleHint(const std::string& folder) {
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (FileExists(JoinPath(folder, name))) return absl::StrCat("; ", name, " is a pickle, which is never read");
  }
  return "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModelFolder>> ModelFolder::Open(const std::string& path) {
  if (!FolderExists(path)) return absl::NotFoundError(absl::StrCat(path, ": no such model folder"));
  std::unique_ptr<ModelFolder> folder(new ModelFolder());
  folder->path_ = path;
  ASSIGN_OR_RETURN(folder->config_, ReadJsonObject(path, "config.json"));
  if (IsThere(path, kSingleFile)) {
    RETURN_IF_ERROR(folder->AddSingleFile());
  } else if (IsThere(path, kIndexFile)) {
    RETURN_IF_ERROR(folder->AddShards());
  } else {
    return absl::NotFoundError(
        absl::StrCat(path, ": has neither ", kSingleFile, " nor ", kIndexFile, ShardHint(path), PickleHint(path)));
  }
  for (const auto& [name, tensor] : folder->tensors_) folder->names_.push_back(name);
  RETURN_IF_ERROR(folder->NoteUnreadFiles());
  RETURN_IF_ERROR(FilesBesideWeights(path).status());
  return folder;
}

absl::Status ModelFolder::AddSingleFile() {
  ASSIGN_OR_RETURN(std::unique_ptr<SafetensorsFile> file, OpenShard(path_, kSingleFile));
  for (const auto& [name, tensor] : file->tensors()) tensors_[name] = {&tensor, file.get()};
  files_.push_back(std::move(file));
  return absl::OkStatus();
}

absl::Status ModelFolder::AddShards() {
  const std::string index_path = JoinPath(path_, kIndexFile);
  using Shards = std::map<std::string, std::string>;
  ASSIGN_OR_RETURN(const Shards shards, ReadIndex(path_));
  std::map<std::string, const SafetensorsFile*> opened;
  for (const auto& [name, shard] : shards) {
    if (opened.count(shard) == 0) {
      absl::StatusOr<std::unique_ptr<SafetensorsFile>> file = OpenShard(path_, shard);
      if (!file.ok()) return Annotate(file.status(), absl::StrCat(index_path, " names ", shard));
      opened[shard] = file->get();
      files_.push_back(*std::move(file));
    }
    const auto& tensors = opened[shard]->tensors();
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      return absl::DataLossError(absl::StrCat(index_path, ": ", name, " is not in ", shard, ", where it should be"));
    }
    tensors_[name] = {&found->second, opened[shard]};
  }
  for (const auto& [shard, file] : opened) RETURN_IF_ERROR(CheckIndexed(shards, shard, *file));
  return absl::OkStatus();
}

bool ModelFolder::Has(const std::string& name) const { return tensors_.count(name) > 0; }

absl::StatusOr<TensorBytes> ModelFolder::Find(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) return absl::NotFoundError(absl::StrCat(name, ": not in ", path_));
  return *found->second.bytes;
}

std::string ModelFolder::FileOf(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? "" : found->second.file->path();
}

absl::Status ModelFolder::NoteUnreadFiles() {
  const bool single = IsThere(path_, kSingleFile);
  if (single && IsThere(path_, kIndexFile)) {
    notes_.push_back(absl::StrCat(kIndexFile, " is ignored: the weights are read from ", kSingleFile));
  }
  std::set<std::string> read;
  for (const std::unique_ptr<SafetensorsFile>& file : files_) read.insert(file->path());
  ASSIGN_OR_RETURN(std::vector<std::string> unread, ShardsIn(path_));
  std::erase_if(unread, [&](const std::string& name) { return read.count(JoinPath(path_, name)) > 0; });
  if (unread.empty()) return absl::OkStatus();
  const std::string more =
      unread.size() == 1 ? ""
                         : absl::StrCat(" and ", unread.size() - 1, " more such file", unread.size() == 2 ? "" : "s");
  notes_.push_back(absl::StrCat(unread[0], more, ": not read, since ",
                                single ? absl::StrCat("the weights are read from ", kSingleFile)
                                       : absl::StrCat(kIndexFile, " does not name it")));
  return absl::OkStatus();
}

}  // namespace plumb
