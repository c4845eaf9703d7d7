#include "base/inside_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "base/file.h"
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

}  // namespace

absl::Status CheckInsideFolder(const std::string& folder, const std::string& file) {
  return CheckTarget(folder, file, file);
}

absl::StatusOr<std::string> ReadInsideFolder(const std::string& folder, const std::string& name, size_t max_bytes) {
  const std::string path = JoinPath(folder, name);
  // Without O_NONBLOCK a named pipe would wait for a writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  const absl::Cleanup close = [descriptor] { ::close(descriptor); };
  struct stat status;
  if (::fstat(descriptor, &status) != 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  if (!S_ISREG(status.st_mode)) return absl::InvalidArgumentError(absl::StrCat(path, ": not a regular file"));
  if (static_cast<size_t>(status.st_size) > max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has ", status.st_size, " bytes, at most ", max_bytes, " are read"));
  }
  const std::string opened = absl::StrCat("/proc/self/fd/", descriptor);
  RETURN_IF_ERROR(CheckTarget(folder, opened, path));
  return ReadFile(opened);
}

}  // namespace plumb
