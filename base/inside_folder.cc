#include "base/inside_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<fs::path> Canonical(const std::string& path, const std::string& shown) {
  std::error_code error;
  const fs::path canonical = fs::canonical(path, error);
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot open ", shown));
  return canonical;
}

// `opened` leads to the file, `shown` is its name for messages.
absl::Status CheckTarget(const std::string& folder, const std::string& opened, const std::string& shown) {
  ASSIGN_OR_RETURN(const fs::path root, Canonical(folder, folder));
  ASSIGN_OR_RETURN(const fs::path target, Canonical(opened, shown));
  if (target.parent_path() == root) return absl::OkStatus();
  const fs::path blobs = root.parent_path().parent_path() / "blobs";
  if (root.parent_path().filename() == "snapshots" && target.parent_path() == blobs) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(shown, ": links to ", target.string(), ", outside the model folder ",
                                                 root.string(), "; copy the file or open the folder that holds it"));
}

// An open file of the folder.
class FileInside {
 public:
  static absl::StatusOr<FileInside> Open(const std::string& folder, const std::string& path) {
    // Without O_NONBLOCK a named pipe would wait for a writer.
    FileInside file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.descriptor_ < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
    if (::fstat(file.descriptor_, &file.status_) != 0) {
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
    }
    if (!S_ISREG(file.status_.st_mode)) return absl::InvalidArgumentError(absl::StrCat(path, ": not a regular file"));
    RETURN_IF_ERROR(CheckTarget(folder, file.proc_path(), path));
    return file;
  }
  FileInside(FileInside&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), status_(other.status_) {}
  FileInside& operator=(FileInside&&) = delete;
  ~FileInside() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  int descriptor() const { return descriptor_; }
  size_t size() const { return static_cast<size_t>(status_.st_size); }
  // A name that leads to this very file, whatever its folder holds by now.
  std::string proc_path() const { return absl::StrCat("/proc/self/fd/", descriptor_); }

 private:
  explicit FileInside(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
  struct stat status_ = {};
};

}  // namespace

absl::StatusOr<std::string> ReadInsideFolder(const std::string& folder, const std::string& name, size_t max_bytes) {
  const std::string path = JoinPath(folder, name);
  ASSIGN_OR_RETURN(const FileInside file, FileInside::Open(folder, path));
  if (file.size() > max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has ", file.size(), " bytes, at most ", max_bytes, " are read"));
  }
  return ReadFile(file.proc_path());
}

absl::StatusOr<std::unique_ptr<MappedFile>> MapInsideFolder(const std::string& folder, const std::string& name) {
  const std::string path = JoinPath(folder, name);
  ASSIGN_OR_RETURN(const FileInside file, FileInside::Open(folder, path));
  return MappedFile::Map(file.descriptor(), path);
}

}  // namespace plumb
