#ifndef PLUMB_CHECKPOINT_MODEL_FOLDER_H_
#define PLUMB_CHECKPOINT_MODEL_FOLDER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/inside_folder.h"
#include "base/json.h"
#include "checkpoint/safetensors.h"

namespace plumb {

// A Hugging Face model folder opened for reading: config.json, and either model.safetensors or
// model.safetensors.index.json with its shards. Symbolic links may lead out of the folder only as those of a Hugging
// Face cache do (snapshots/REVISION -> blobs). Immutable, thread-safe.
class ModelFolder {
 public:
  // Errors: kNotFound naming the missing file; kDataLoss; kInvalidArgument for a config.json that is not an object and
  // for an index or a link that leads to files outside the folder.
  static absl::StatusOr<std::unique_ptr<ModelFolder>> Open(const std::string& path);

  const std::string& path() const { return path_; }
  const Json& config() const { return config_; }
  // Published tensor names, sorted.
  const std::vector<std::string>& names() const { return names_; }
  bool Has(const std::string& name) const;
  // Errors: kNotFound "model.norm.weight: not in FOLDER".
  absl::StatusOr<TensorBytes> Find(const std::string& name) const;
  // The path of the file that a tensor lies in; empty for a name that is not there.
  std::string FileOf(const std::string& name) const;
  // What is in the folder and looks like weights, but is not read, and why: an index beside model.safetensors, shards
  // that nothing names.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct Place {
    const TensorBytes* bytes = nullptr;
    const SafetensorsFile* file = nullptr;
  };
  ModelFolder() = default;
  absl::Status NoteUnreadFiles();
  absl::Status AddSingleFile();
  absl::Status AddShards();

  std::string path_;
  Json config_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, Place> tensors_;
  std::vector<std::string> names_;
  std::vector<std::string> notes_;
};

struct ModelFolderContent {
  Json config;  // config.json
  std::vector<StreamedTensor> tensors;
  // A model folder whose other files are copied unchanged: those of the tokenizer and the chat template, the generation
  // settings, and the model's own code and licence. Empty: none.
  std::string copy_text_files_from;
  int64_t max_shard_bytes = int64_t{5} << 30;
};

// Writes a policy folder's files into the existing folder `path` (an AtomicFolder's temporary one) and syncs them: one
// model.safetensors, or shards of at most `max_shard_bytes` with an index, filled in the order of `tensors`.
// Errors: kInvalidArgument for a tensor given twice or whose bytes do not fit its shape, and for a file to copy that is
// a link to outside its folder; those of base/file.h.
absl::Status WriteModelFolder(const std::string& path, const ModelFolderContent& content);

}  // namespace plumb

#endif  // PLUMB_CHECKPOINT_MODEL_FOLDER_H_
