#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/descriptor.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "checkpoint/safetensors.h"

namespace plumb {
namespace {

// A file that is written from front to end. Not thread-safe.
class OutputFile {
 public:
  static absl::StatusOr<std::unique_ptr<OutputFile>> Create(const std::string& path) {
    Descriptor descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!descriptor.valid()) return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", path));
    return std::unique_ptr<OutputFile>(new OutputFile(path, std::move(descriptor)));
  }

  absl::Status Write(const void* bytes, size_t size) {
    const char* next = static_cast<const char*>(bytes);
    while (size > 0) {
      const ssize_t written = ::write(descriptor_.value(), next, size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Error("write");
      next += written;
      size -= static_cast<size_t>(written);
    }
    return absl::OkStatus();
  }

  absl::Status SyncAndClose() {
    if (::fsync(descriptor_.value()) != 0) return Error("sync");
    if (descriptor_.Close() != 0) return Error("close");
    return absl::OkStatus();
  }

 private:
  OutputFile(std::string path, Descriptor descriptor) : path_(std::move(path)), descriptor_(std::move(descriptor)) {}
  absl::Status Error(absl::string_view action) const {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", action, " ", path_));
  }

  const std::string path_;
  Descriptor descriptor_;
};

absl::Status CheckNames(const std::string& path, absl::Span<const StreamedTensor> tensors) {
  std::set<std::string> names;
  for (const StreamedTensor& tensor : tensors) {
    const std::string where = absl::StrCat(path, ": ", tensor.name);
    if (tensor.name == "__metadata__") {
      return absl::InvalidArgumentError(absl::StrCat(where, ": is not a tensor's name"));
    }
    if (!names.insert(tensor.name).second) return absl::InvalidArgumentError(absl::StrCat(where, ": given twice"));
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

// A tensor and the place of its bytes behind the header.
struct PlacedTensor {
  const StreamedTensor* tensor;
  int64_t begin;
  int64_t end;
};

absl::StatusOr<std::vector<PlacedTensor>> InWriteOrder(const std::string& path,
                                                       absl::Span<const StreamedTensor> tensors) {
  std::vector<PlacedTensor> order;
  for (const StreamedTensor& tensor : tensors) order.push_back({&tensor, 0, 0});
  std::sort(order.begin(), order.end(), [](const PlacedTensor& left, const PlacedTensor& right) {
    return std::pair(WriteRank(left.tensor->type), absl::string_view(left.tensor->name)) <
           std::pair(WriteRank(right.tensor->type), absl::string_view(right.tensor->name));
  });
  int64_t offset = 0;
  for (PlacedTensor& placed : order) {
    const absl::StatusOr<int64_t> bytes = StreamedBytes(*placed.tensor);
    if (!bytes.ok()) return Annotate(bytes.status(), path);
    placed.begin = offset;
    offset += *bytes;
    placed.end = offset;
  }
  return order;
}

std::string FormatHeader(const std::vector<PlacedTensor>& order) {
  std::string header = R"({"__metadata__":{"format":"pt"})";
  for (const auto& [tensor, begin, end] : order) {
    absl::StrAppend(&header, ",", DumpJson(Json(tensor->name)), ":{\"dtype\":\"", TensorTypeName(tensor->type),
                    "\",\"shape\":[", absl::StrJoin(tensor->shape, ","), "],\"data_offsets\":[", begin, ",", end, "]}");
  }
  header += '}';
  // Spaces keep the tensors behind the header aligned.
  while (header.size() % 8 != 0) header += ' ';
  return header;
}

absl::Status WriteTensor(const std::string& path, const PlacedTensor& placed, OutputFile& file) {
  int64_t written = 0;
  RETURN_IF_ERROR(placed.tensor->stream([&](absl::Span<const std::byte> bytes) {
    written += static_cast<int64_t>(bytes.size());
    return file.Write(bytes.data(), bytes.size());
  }));
  if (written == placed.end - placed.begin) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", placed.tensor->name, ": has ", written,
                                                 " bytes, expected ", placed.end - placed.begin,
                                                 " from shape and dtype"));
}

}  // namespace

StreamedTensor::StreamedTensor(std::string name, const TensorBytes& tensor)
    : name(std::move(name)),
      type(tensor.type),
      shape(tensor.shape),
      stream([bytes = tensor.bytes](const ByteSink& sink) { return sink(bytes); }) {}

absl::StatusOr<int64_t> StreamedBytes(const StreamedTensor& tensor) {
  int64_t bytes = TensorTypeBytes(tensor.type);
  for (const int64_t size : tensor.shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, size, &bytes)) {
      return absl::InvalidArgumentError(absl::StrCat(tensor.name, ": shape [", absl::StrJoin(tensor.shape, ", "), "]"));
    }
  }
  return bytes;
}

absl::Status StreamSafetensors(const std::string& path, absl::Span<const StreamedTensor> tensors) {
  RETURN_IF_ERROR(CheckNames(path, tensors));
  ASSIGN_OR_RETURN(const std::vector<PlacedTensor> order, InWriteOrder(path, tensors));
  const std::string header = FormatHeader(order);
  const uint64_t header_bytes = header.size();
  ASSIGN_OR_RETURN(const std::unique_ptr<OutputFile> file, OutputFile::Create(path));
  RETURN_IF_ERROR(file->Write(&header_bytes, sizeof(header_bytes)));
  RETURN_IF_ERROR(file->Write(header.data(), header.size()));
  for (const PlacedTensor& placed : order) RETURN_IF_ERROR(WriteTensor(path, placed, *file));
  return file->SyncAndClose();
}

absl::Status WriteSafetensors(const std::string& path, absl::Span<const NamedTensorBytes> tensors) {
  std::vector<StreamedTensor> streamed;
  for (const auto& [name, tensor] : tensors) streamed.emplace_back(name, tensor);
  return StreamSafetensors(path, streamed);
}

}  // namespace plumb
