#ifndef PLUMB_CHECKPOINT_SAFETENSORS_H_
#define PLUMB_CHECKPOINT_SAFETENSORS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file.h"

// The safetensors format, without torch. Files are never trusted: see the checks at Open().
namespace plumb {

// Element types, by their names in the format.
enum class TensorType { kF64, kF32, kF16, kBF16, kF8E4M3, kF8E5M2, kF8E8M0, kI64, kI32, kI16, kI8, kU8, kBool };
absl::string_view TensorTypeName(TensorType type);  // "F32"
int64_t TensorTypeBytes(TensorType type);

// One tensor's bytes inside a mapped file: row-major, little-endian, not aligned.
struct TensorBytes {
  TensorType type;
  std::vector<int64_t> shape;
  absl::Span<const std::byte> bytes;
};

// A mapped safetensors file. Immutable, thread-safe.
class SafetensorsFile {
 public:
  // Checks: header length against the file; UTF-8 JSON object; no duplicate names; known types; offsets that start at
  // 0, touch without holes or overlaps and end at the file's end; sizes that equal shape times type, without overflow.
  // Errors: kNotFound; kDataLoss, naming the file, the tensor and the rule.
  static absl::StatusOr<std::unique_ptr<SafetensorsFile>> Open(const std::string& path);
  static absl::StatusOr<std::unique_ptr<SafetensorsFile>> Read(std::unique_ptr<MappedFile> mapped);

  const std::map<std::string, TensorBytes>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::string& path() const { return file_->path(); }

 private:
  SafetensorsFile() = default;
  std::unique_ptr<MappedFile> file_;
  std::map<std::string, TensorBytes> tensors_;
  std::map<std::string, std::string> metadata_;
};

// A tensor to write; the bytes are borrowed.
struct NamedTensorBytes {
  std::string name;
  TensorBytes tensor;
};

// Takes a tensor's bytes from front to back, in pieces.
using ByteSink = std::function<absl::Status(absl::Span<const std::byte>)>;

// A tensor to write whose bytes are made when its turn comes, so that no more than a piece of it need be in memory.
struct StreamedTensor {
  StreamedTensor() = default;
  // Bytes that exist already; they are borrowed.
  StreamedTensor(std::string name, const TensorBytes& tensor);

  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<int64_t> shape;
  // Hands all bytes to the sink; may be called more than once.
  std::function<absl::Status(const ByteSink&)> stream;
};

// The bytes of a tensor by its shape and type. Errors: kInvalidArgument: a negative size, or more than 64 bits hold.
absl::StatusOr<int64_t> StreamedBytes(const StreamedTensor& tensor);

// Writes one file (not atomic by itself: write into an AtomicFolder) with __metadata__ {"format": "pt"} and syncs it.
// Order: the format's own (alignment of the type, largest first, then type, then name), so that what was read is
// written back byte for byte. Errors: kInvalidArgument for a name given twice or bytes that do not fit the shape;
// kResourceExhausted: disk full; those of the tensors' own streams.
absl::Status StreamSafetensors(const std::string& path, absl::Span<const StreamedTensor> tensors);

// The same for bytes that exist already.
absl::Status WriteSafetensors(const std::string& path, absl::Span<const NamedTensorBytes> tensors);

}  // namespace plumb

#endif  // PLUMB_CHECKPOINT_SAFETENSORS_H_
