#include "checkpoint/atomic_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/inside_folder.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "checkpoint/file_name.h"

namespace plumb {
namespace {

constexpr char kManifest[] = "manifest.json";
constexpr size_t kMaxManifestBytes = size_t{16} << 20;

std::string WithoutTrailingSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string ParentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

struct FileDigest {
  int64_t size;
  std::string sha256;
};

absl::StatusOr<FileDigest> DigestFile(const std::string& folder, const std::string& name) {
  ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> file, MapInsideFolder(folder, name));
  const absl::string_view content(reinterpret_cast<const char*>(file->bytes()), file->size());
  return FileDigest{static_cast<int64_t>(file->size()), Sha256Hex(content)};
}

// Syncs every file of the folder and writes the manifest of them.
absl::Status WriteManifest(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(folder));
  Json files = Json::object();
  for (const std::string& name : names) {
    const std::string path = JoinPath(folder, name);
    if (!FileExists(path)) {
      return absl::FailedPreconditionError(absl::StrCat(path, ": an atomic folder holds regular files only"));
    }
    RETURN_IF_ERROR(SyncFile(path));
    ASSIGN_OR_RETURN(const FileDigest digest, DigestFile(folder, name));
    files[name] = {{"size", digest.size}, {"sha256", digest.sha256}};
  }
  return WriteFileAtomic(JoinPath(folder, kManifest), DumpJson(Json{{"files", files}}, 2) + "\n");
}

absl::Status Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot rename ", from, " to ", to));
}

// Puts `fresh` in the place of the existing folder `path` and removes the old one. Where the file system cannot
// exchange two folders in one operation, the old one stands aside for a moment.
absl::Status ExchangeFolders(const std::string& fresh, const std::string& path) {
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0) {
    RETURN_IF_ERROR(SyncFolder(ParentOf(path)));
    return RemoveFolder(fresh);
  }
  if (errno != EINVAL && errno != ENOSYS) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot exchange ", fresh, " and ", path));
  }
  const std::string aside = fresh + ".old";
  RETURN_IF_ERROR(Rename(path, aside));
  RETURN_IF_ERROR(Rename(fresh, path));
  RETURN_IF_ERROR(SyncFolder(ParentOf(path)));
  return RemoveFolder(aside);
}

absl::Status CheckEntry(const std::string& folder, const std::string& name, const Json& entry) {
  const std::string manifest = JoinPath(folder, kManifest);
  if (!IsPlainFileName(name)) {
    return absl::DataLossError(absl::StrCat(manifest, ": ", DumpJson(Json(name)), " is not the name of a file"));
  }
  const absl::StatusOr<int64_t> size = JsonInt(entry, "size", absl::StrCat(manifest, ": ", name));
  if (!size.ok()) return absl::DataLossError(size.status().message());
  const absl::StatusOr<std::string> sha256 = JsonString(entry, "sha256", absl::StrCat(manifest, ": ", name));
  if (!sha256.ok()) return absl::DataLossError(sha256.status().message());
  const std::string path = JoinPath(folder, name);
  if (!FileExists(path)) return absl::DataLossError(absl::StrCat(path, ": missing, but in ", kManifest));
  ASSIGN_OR_RETURN(const FileDigest digest, DigestFile(folder, name));
  if (digest.size != *size) {
    return absl::DataLossError(
        absl::StrCat(path, ": has ", digest.size, " bytes, expected ", *size, " from ", kManifest));
  }
  if (digest.sha256 != *sha256) {
    return absl::DataLossError(
        absl::StrCat(path, ": SHA-256 is ", digest.sha256, ", expected ", *sha256, " from ", kManifest));
  }
  return absl::OkStatus();
}

}  // namespace

AtomicFolder::AtomicFolder(std::string path, std::string temporary_path, bool replace)
    : path_(std::move(path)), temporary_path_(std::move(temporary_path)), replace_(replace) {}

absl::StatusOr<std::unique_ptr<AtomicFolder>> AtomicFolder::Create(const std::string& path, bool replace) {
  const std::string target = WithoutTrailingSlash(path);
  struct stat ignored;
  if (!replace && ::lstat(target.c_str(), &ignored) == 0) {
    return absl::AlreadyExistsError(absl::StrCat(target, ": exists already; remove it or choose another path"));
  }
  RETURN_IF_ERROR(MakeFolder(ParentOf(target)));
  std::string temporary = absl::StrCat(target, kTemporaryMark, "XXXXXX");
  if (::mkdtemp(temporary.data()) == nullptr || ::chmod(temporary.c_str(), 0755) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot make a folder beside ", target));
  }
  return std::unique_ptr<AtomicFolder>(new AtomicFolder(target, std::move(temporary), replace));
}

AtomicFolder::~AtomicFolder() {
  // What cannot be removed carries kTemporaryMark in its name and hides nothing.
  if (!committed_) (void)RemoveFolder(temporary_path_);
}

absl::Status AtomicFolder::Commit() {
  RETURN_IF_ERROR(WriteManifest(temporary_path_));
  RETURN_IF_ERROR(SyncFolder(temporary_path_));
  if (replace_ && FolderExists(path_)) {
    RETURN_IF_ERROR(ExchangeFolders(temporary_path_, path_));
  } else {
    RETURN_IF_ERROR(Rename(temporary_path_, path_));
    RETURN_IF_ERROR(SyncFolder(ParentOf(path_)));
  }
  committed_ = true;
  return absl::OkStatus();
}

absl::Status VerifyManifest(const std::string& path) {
  const std::string manifest = JoinPath(path, kManifest);
  ASSIGN_OR_RETURN(const std::string text, ReadInsideFolder(path, kManifest, kMaxManifestBytes));
  const absl::StatusOr<Json> json = ParseJson(text, manifest);
  if (!json.ok()) return absl::DataLossError(json.status().message());
  const auto files = json->is_object() ? json->find("files") : json->end();
  if (files == json->end() || !files->is_object()) {
    return absl::DataLossError(absl::StrCat(manifest, ": files is missing or not an object"));
  }
  for (const auto& [name, entry] : files->items()) RETURN_IF_ERROR(CheckEntry(path, name, entry));
  return absl::OkStatus();
}

}  // namespace plumb
