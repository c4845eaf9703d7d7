#ifndef PLUMB_CHECKPOINT_ATOMIC_FOLDER_H_
#define PLUMB_CHECKPOINT_ATOMIC_FOLDER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace plumb {

// Stands in the name of every temporary folder: "step-7.tmp-x3Kf9a". What a killed program left can be told by it.
inline constexpr char kTemporaryMark[] = ".tmp-";

// A folder that appears whole or not at all: files are written into a temporary folder beside `path`; Commit() syncs
// them, writes manifest.json (size and SHA-256 of each file), syncs, renames and syncs the parent. Without Commit() the
// temporary folder is removed. Not thread-safe.
class AtomicFolder {
 public:
  // Makes missing parents of `path`. With `replace` an existing folder is exchanged for the new one at Commit().
  // Errors: kAlreadyExists when `path` exists and `replace` is false.
  static absl::StatusOr<std::unique_ptr<AtomicFolder>> Create(const std::string& path, bool replace = false);
  ~AtomicFolder();
  // The temporary folder to write into.
  const std::string& path() const { return temporary_path_; }
  // Errors: kFailedPrecondition where something else than regular files lies in the folder; those of base/file.h.
  absl::Status Commit();

 private:
  AtomicFolder(std::string path, std::string temporary_path, bool replace);
  const std::string path_;
  const std::string temporary_path_;
  const bool replace_;
  bool committed_ = false;
};

// Re-reads every file that manifest.json names and compares size and SHA-256.
// Errors: kNotFound without a manifest; kDataLoss naming the file.
absl::Status VerifyManifest(const std::string& path);

}  // namespace plumb

#endif  // PLUMB_CHECKPOINT_ATOMIC_FOLDER_H_
