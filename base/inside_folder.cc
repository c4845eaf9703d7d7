#include "base/inside_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/descriptor.h"
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

// A name that leads to this very file, whatever its folder holds by now.
std::string PathOf(const Descriptor& file) { return absl::StrCat("/proc/self/fd/", file.value()); }

struct OpenedFile {
  Descriptor descriptor;
  size_t size;
};

// Why `path` could not be opened.
absl::Status OpenError(int error, const std::string& path) {
  std::error_code no_link;
  const fs::path target = fs::read_symlink(path, no_link);
  if (error == ENOENT && !no_link) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": links to ", target.string(), ", which does not exist"));
  }
  return absl::ErrnoToStatus(error, absl::StrCat("cannot open ", path));
}

absl::StatusOr<OpenedFile> OpenInside(const std::string& folder, const std::string& path) {
  // Without O_NONBLOCK a named pipe would wait for a writer.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return OpenError(errno, path);
  struct stat status;
  if (::fstat(file.value(), &status) != 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  if (!S_ISREG(status.st_mode)) return absl::InvalidArgumentError(absl::StrCat(path, ": not a regular file"));
  RETURN_IF_ERROR(CheckTarget(folder, PathOf(file), path));
  return OpenedFile{std::move(file), static_cast<size_t>(status.st_size)};
}

}  // namespace

absl::StatusOr<std::string> ReadInsideFolder(const std::string& folder, const std::string& name, size_t max_bytes) {
  const std::string path = JoinPath(folder, name);
  ASSIGN_OR_RETURN(const OpenedFile file, OpenInside(folder, path));
  if (file.size > max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has ", file.size, " bytes, at most ", max_bytes, " are read"));
  }
  return ReadFile(PathOf(file.descriptor));
}

absl::StatusOr<std::unique_ptr<MappedFile>> MapInsideFolder(const std::string& folder, const std::string& name) {
  const std::string path = JoinPath(folder, name);
  ASSIGN_OR_RETURN(const OpenedFile file, OpenInside(folder, path));
  return MappedFile::Map(file.descriptor.value(), path);
}

}  // namespace plumb
