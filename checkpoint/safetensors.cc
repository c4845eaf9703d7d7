#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/broken_download.h"
#include "base/check.h"
#include "base/json.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
// {name: {shape: [...]}} is three levels deep.
constexpr int kMaxHeaderDepth = 4;
// Some nine a tensor: DeepSeek-V3 has 92 thousand tensors in all its files together.
constexpr int64_t kMaxHeaderValues = 4'000'000;

struct TypeRow {
  TensorType type;
  absl::string_view name;
  int64_t bytes;
};

constexpr std::array<TypeRow, 13> kTypes = {{
    {TensorType::kI64, "I64", 8},
    {TensorType::kF64, "F64", 8},
    {TensorType::kF32, "F32", 4},
    {TensorType::kI32, "I32", 4},
    {TensorType::kBF16, "BF16", 2},
    {TensorType::kF16, "F16", 2},
    {TensorType::kI16, "I16", 2},
    {TensorType::kF8E8M0, "F8_E8M0", 1},
    {TensorType::kF8E4M3, "F8_E4M3", 1},
    {TensorType::kF8E5M2, "F8_E5M2", 1},
    {TensorType::kI8, "I8", 1},
    {TensorType::kU8, "U8", 1},
    {TensorType::kBool, "BOOL", 1},
}};

const TypeRow& RowOf(TensorType type) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeRow& row) { return row.type == type; });
  PLUMB_CHECK(found != kTypes.end()) << "unknown tensor type " << static_cast<int>(type);
  return *found;
}

template <typename... Parts>
absl::Status Damaged(absl::string_view path, const Parts&... parts) {
  return absl::DataLossError(absl::StrCat(path, ": ", parts...));
}

// A file's JSON text and the bytes behind it.
struct FileParts {
  absl::string_view header;
  absl::Span<const std::byte> payload;
};

absl::StatusOr<FileParts> SplitFile(const MappedFile& file) {
  if (file.size() < sizeof(uint64_t)) {
    return Damaged(file.path(), "has ", file.size(), " bytes, too few for the 8-byte header length");
  }
  const std::string broken =
      BrokenDownload({reinterpret_cast<const char*>(file.bytes()), file.size()}, "a safetensors file");
  if (!broken.empty()) return Damaged(file.path(), broken);
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.bytes(), sizeof(header_bytes));
  if (header_bytes > kMaxHeaderBytes) {
    return Damaged(file.path(), "the header length is ", header_bytes, ", at most ", kMaxHeaderBytes, " is allowed");
  }
  const uint64_t behind_length = file.size() - sizeof(uint64_t);
  if (header_bytes > behind_length) {
    return Damaged(file.path(), "the header length is ", header_bytes, ", but only ", behind_length,
                   " bytes follow; the file is truncated");
  }
  const auto* text = reinterpret_cast<const char*>(file.bytes()) + sizeof(uint64_t);
  const absl::string_view header(text, header_bytes);
  if (header.empty() || header.front() != '{') return Damaged(file.path(), "the header does not start with '{'");
  return FileParts{header, absl::MakeConstSpan(file.bytes() + sizeof(uint64_t) + header_bytes,
                                               static_cast<size_t>(behind_length - header_bytes))};
}

absl::StatusOr<std::map<std::string, std::string>> ParseMetadata(const Json& json, absl::string_view path) {
  if (!json.is_object()) return Damaged(path, "__metadata__ is ", json.type_name(), ", expected an object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string())
      return Damaged(path, "__metadata__: ", key, " is ", value.type_name(), ", expected a string");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

absl::StatusOr<TensorType> ParseType(const Json& tensor, absl::string_view where) {
  const absl::StatusOr<std::string> name = JsonString(tensor, "dtype", where);
  if (!name.ok()) return absl::DataLossError(name.status().message());
  for (const TypeRow& row : kTypes) {
    if (row.name == *name) return row.type;
  }
  return Damaged(where, "dtype ", *name, " is not supported");
}

// The bytes that a shape and a type need.
absl::StatusOr<int64_t> NeededBytes(absl::Span<const int64_t> shape, TensorType type, absl::string_view where) {
  int64_t bytes = TensorTypeBytes(type);
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) return Damaged(where, "shape times dtype overflows 64 bits");
  }
  return bytes;
}

// A tensor's place in the payload; `end` is exclusive.
struct Extent {
  int64_t begin;
  int64_t end;
  std::string name;
};

absl::StatusOr<TensorBytes> ParseTensor(const Json& json, absl::string_view where,
                                        absl::Span<const std::byte> payload) {
  TensorBytes tensor;
  ASSIGN_OR_RETURN(tensor.type, ParseType(json, where));
  absl::StatusOr<std::vector<int64_t>> shape = JsonInts(json, "shape", where);
  if (!shape.ok()) return absl::DataLossError(shape.status().message());
  tensor.shape = *std::move(shape);
  const absl::StatusOr<std::vector<int64_t>> offsets = JsonInts(json, "data_offsets", where);
  if (!offsets.ok()) return absl::DataLossError(offsets.status().message());
  if (offsets->size() != 2) return Damaged(where, "data_offsets has ", offsets->size(), " numbers, expected 2");
  const int64_t begin = (*offsets)[0];
  const int64_t end = (*offsets)[1];
  if (begin > end) return Damaged(where, "data_offsets [", begin, ", ", end, "] run backwards");
  if (end > static_cast<int64_t>(payload.size())) {
    return Damaged(where, "data_offsets end at ", end, ", but the file holds ", payload.size(),
                   " bytes of tensors; the file is truncated or the offsets are wrong");
  }
  ASSIGN_OR_RETURN(const int64_t needed, NeededBytes(tensor.shape, tensor.type, where));
  if (needed != end - begin) {
    return Damaged(where, "data_offsets span ", end - begin, " bytes, expected ", needed, " from shape and dtype");
  }
  tensor.bytes = payload.subspan(static_cast<size_t>(begin), static_cast<size_t>(needed));
  return tensor;
}

// Extents must cover [0, payload_bytes) without holes or overlaps.
absl::Status CheckCover(std::vector<Extent> extents, int64_t payload_bytes, absl::string_view path) {
  std::sort(extents.begin(), extents.end(), [](const Extent& left, const Extent& right) {
    return std::pair(left.begin, left.end) < std::pair(right.begin, right.end);
  });
  int64_t covered = 0;
  for (const Extent& extent : extents) {
    if (extent.begin != covered) {
      return Damaged(path, extent.name, ": starts at offset ", extent.begin, ", expected ", covered,
                     extent.begin > covered ? " (a hole)" : " (an overlap)");
    }
    covered = extent.end;
  }
  if (covered != payload_bytes) {
    return Damaged(path, "tensors end at offset ", covered, ", but the file holds ", payload_bytes,
                   " bytes of tensors");
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view TensorTypeName(TensorType type) { return RowOf(type).name; }
int64_t TensorTypeBytes(TensorType type) { return RowOf(type).bytes; }

absl::StatusOr<std::unique_ptr<SafetensorsFile>> SafetensorsFile::Open(const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<MappedFile> mapped, MappedFile::Open(path));
  return Read(std::move(mapped));
}

absl::StatusOr<std::unique_ptr<SafetensorsFile>> SafetensorsFile::Read(std::unique_ptr<MappedFile> mapped) {
  std::unique_ptr<SafetensorsFile> file(new SafetensorsFile());
  file->file_ = std::move(mapped);
  const std::string& path = file->file_->path();
  ASSIGN_OR_RETURN(const FileParts parts, SplitFile(*file->file_));
  const absl::StatusOr<Json> header =
      ParseJson(parts.header, absl::StrCat(path, ": header"),
                {.max_depth = kMaxHeaderDepth, .max_bytes = kMaxHeaderBytes, .max_values = kMaxHeaderValues});
  if (!header.ok()) return absl::DataLossError(header.status().message());
  std::vector<Extent> extents;
  for (const auto& [name, value] : header->items()) {
    if (name == "__metadata__") {
      ASSIGN_OR_RETURN(file->metadata_, ParseMetadata(value, path));
      continue;
    }
    ASSIGN_OR_RETURN(TensorBytes tensor, ParseTensor(value, absl::StrCat(path, ": ", name), parts.payload));
    const int64_t begin = tensor.bytes.data() - parts.payload.data();
    extents.push_back({begin, begin + static_cast<int64_t>(tensor.bytes.size()), name});
    file->tensors_.emplace(name, std::move(tensor));
  }
  RETURN_IF_ERROR(CheckCover(std::move(extents), static_cast<int64_t>(parts.payload.size()), path));
  return file;
}

}  // namespace plumb
