#ifndef PLUMB_BASE_FILE_H_
#define PLUMB_BASE_FILE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Files and folders. Every error names the path and what the system said.
// Errors of all: kNotFound, kPermissionDenied, kResourceExhausted (disk full), kUnknown.
namespace plumb {

absl::StatusOr<std::string> ReadFile(const std::string& path);

// Writes beside `path`, syncs, renames over it and syncs the folder: a reader sees the old content or the new one.
absl::Status WriteFileAtomic(const std::string& path, absl::string_view content);

// Appends in one write call.
absl::Status AppendToFile(const std::string& path, absl::string_view content);

bool FileExists(const std::string& path);
bool FolderExists(const std::string& path);
// Makes the folder and its parents; one that exists is fine.
absl::Status MakeFolder(const std::string& path);
absl::Status RemoveFolder(const std::string& path);
// The names in a folder, sorted, without "." and "..".
absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& path);
absl::Status SyncFile(const std::string& path);
absl::Status SyncFolder(const std::string& path);
std::string JoinPath(absl::string_view folder, absl::string_view name);
// A new empty folder under $TMPDIR or /tmp.
absl::StatusOr<std::string> MakeTemporaryFolder(absl::string_view prefix);

// SHA-256 in lower-case hex digits.
std::string Sha256Hex(absl::string_view content);

// A whole file, mapped read-only. Movable by pointer; the mapping ends with the object. Thread-safe.
class MappedFile {
 public:
  static absl::StatusOr<std::unique_ptr<MappedFile>> Open(const std::string& path);
  // Maps an open file; the caller keeps the descriptor. `path` is its name for messages.
  static absl::StatusOr<std::unique_ptr<MappedFile>> Map(int descriptor, const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::byte* bytes() const { return bytes_; }
  size_t size() const { return size_; }
  const std::string& path() const { return path_; }

 private:
  MappedFile(std::string path, const std::byte* bytes, size_t size)
      : path_(std::move(path)), bytes_(bytes), size_(size) {}
  const std::string path_;
  const std::byte* const bytes_;
  const size_t size_;
};

}  // namespace plumb

#endif  // PLUMB_BASE_FILE_H_
