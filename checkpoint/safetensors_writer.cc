#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "checkpoint/safetensors.h"

namespace plumb {
namespace {

// A file that is written from front to end. Not thread-safe.
class OutputFile {
 public:
  static absl::StatusOr<std::unique_ptr<OutputFile>> Create(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", path));
    return std::unique_ptr<OutputFile>(new OutputFile(path, descriptor));
  }
  ~OutputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  absl::Status Write(const void* bytes, size_t size) {
    const char* next = static_cast<const char*>(bytes);
    while (size > 0) {
      const ssize_t written = ::write(descriptor_, next, size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Error("write");
      next += written;
      size -= static_cast<size_t>(written);
    }
    return absl::OkStatus();
  }

  absl::Status SyncAndClose() {
    if (::fsync(descriptor_) != 0) return Error("sync");
    if (::close(std::exchange(descriptor_, -1)) != 0) return Error("close");
    return absl::OkStatus();
  }

 private:
  OutputFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  absl::Status Error(absl::string_view action) const {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", action, " ", path_));
  }

  const std::string path_;
  int descriptor_;
};

absl::Status CheckTensors(const std::string& path, absl::Span<const NamedTensorBytes> tensors) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : tensors) {
    const std::string where = absl::StrCat(path, ": ", name);
    if (name == "__metadata__") return absl::InvalidArgumentError(absl::StrCat(where, ": is not a tensor's name"));
    if (!names.insert(name).second) return absl::InvalidArgumentError(absl::StrCat(where, ": given twice"));
    int64_t needed = TensorTypeBytes(tensor.type);
    for (const int64_t size : tensor.shape) {
      if (size < 0 || __builtin_mul_overflow(needed, size, &needed)) {
        return absl::InvalidArgumentError(absl::StrCat(where, ": shape [", absl::StrJoin(tensor.shape, ", "), "]"));
      }
    }
    if (needed != static_cast<int64_t>(tensor.bytes.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": has ", tensor.bytes.size(), " bytes, expected ", needed, " from shape and dtype"));
    }
  }
  return absl::OkStatus();
}

// The format's own order inside one alignment, so that a file that was read is written back byte for byte.
int WriteRank(TensorType type) {
  constexpr TensorType kOrder[] = {TensorType::kI64,    TensorType::kF64,    TensorType::kF32, TensorType::kI32,
                                   TensorType::kBF16,   TensorType::kF16,    TensorType::kI16, TensorType::kF8E8M0,
                                   TensorType::kF8E4M3, TensorType::kF8E5M2, TensorType::kI8,  TensorType::kU8,
                                   TensorType::kBool};
  return static_cast<int>(std::find(std::begin(kOrder), std::end(kOrder), type) - std::begin(kOrder));
}

std::vector<const NamedTensorBytes*> InWriteOrder(absl::Span<const NamedTensorBytes> tensors) {
  std::vector<const NamedTensorBytes*> order;
  for (const NamedTensorBytes& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const NamedTensorBytes* left, const NamedTensorBytes* right) {
    return std::pair(WriteRank(left->tensor.type), absl::string_view(left->name)) <
           std::pair(WriteRank(right->tensor.type), absl::string_view(right->name));
  });
  return order;
}

std::string FormatHeader(const std::vector<const NamedTensorBytes*>& order) {
  std::string header = R"({"__metadata__":{"format":"pt"})";
  size_t offset = 0;
  for (const NamedTensorBytes* item : order) {
    const TensorBytes& tensor = item->tensor;
    const size_t end = offset + tensor.bytes.size();
    absl::StrAppend(&header, ",", DumpJson(Json(item->name)), ":{\"dtype\":\"", TensorTypeName(tensor.type),
                    "\",\"shape\":[", absl::StrJoin(tensor.shape, ","), "],\"data_offsets\":[", offset, ",", end, "]}");
    offset = end;
  }
  header += '}';
  // Spaces keep the tensors behind the header aligned.
  while (header.size() % 8 != 0) header += ' ';
  return header;
}

}  // namespace

absl::Status WriteSafetensors(const std::string& path, absl::Span<const NamedTensorBytes> tensors) {
  RETURN_IF_ERROR(CheckTensors(path, tensors));
  const std::vector<const NamedTensorBytes*> order = InWriteOrder(tensors);
  const std::string header = FormatHeader(order);
  const uint64_t header_bytes = header.size();
  ASSIGN_OR_RETURN(const std::unique_ptr<OutputFile> file, OutputFile::Create(path));
  RETURN_IF_ERROR(file->Write(&header_bytes, sizeof(header_bytes)));
  RETURN_IF_ERROR(file->Write(header.data(), header.size()));
  for (const NamedTensorBytes* item : order) {
    RETURN_IF_ERROR(file->Write(item->tensor.bytes.data(), item->tensor.bytes.size()));
  }
  return file->SyncAndClose();
}

}  // namespace plumb
