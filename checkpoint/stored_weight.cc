#include "checkpoint/stored_weight.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "checkpoint/fp8_blocks.h"
#include "checkpoint/number_formats.h"

namespace plumb {
namespace {

constexpr int64_t kPieceNumbers = int64_t{1} << 20;

std::string ShapeText(absl::Span<const int64_t> shape) { return absl::StrCat("[", absl::StrJoin(shape, ", "), "]"); }

absl::Status CheckScales(const std::string& name, const TensorBytes& scales, const TensorBytes& weight) {
  if (scales.type != TensorType::kF32 && scales.type != TensorType::kF8E8M0) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": type is ", TensorTypeName(scales.type), ", expected F32 or F8_E8M0"));
  }
  const std::vector<int64_t> expected = {NumFp8Blocks(weight.shape[0]), NumFp8Blocks(weight.shape[1])};
  if (scales.shape == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, ": shape is ", ShapeText(scales.shape), ", expected ",
                                                 ShapeText(expected), ", a scale for each block of 128 x 128"));
}

}  // namespace

absl::StatusOr<StoredWeight> StoredWeight::Find(const ModelFolder& folder, const std::string& name) {
  StoredWeight weight;
  weight.name_ = name;
  ASSIGN_OR_RETURN(weight.tensor_, folder.Find(name));
  const TensorBytes& tensor = weight.tensor_;
  if (!IsFloatType(tensor.type) || tensor.type == TensorType::kF8E8M0) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": type is ", TensorTypeName(tensor.type), ", expected F32, BF16, F16 or F8_E4M3"));
  }
  if (!tensor.shape.empty()) {
    weight.row_size_ = tensor.shape.back();
    for (size_t i = 0; i + 1 < tensor.shape.size(); ++i) weight.num_rows_ *= tensor.shape[i];
  }
  if (tensor.type != TensorType::kF8E4M3) return weight;
  if (tensor.shape.size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": is F8_E4M3 with shape ", ShapeText(tensor.shape),
                                                   ", expected a matrix: FP8 blocks of stacked experts and of vectors "
                                                   "are not supported"));
  }
  const std::string scales_name = name + kScaleSuffix;
  absl::StatusOr<TensorBytes> scales = folder.Find(scales_name);
  if (!scales.ok()) return Annotate(scales.status(), absl::StrCat(name, " is F8_E4M3 and needs its scales"));
  RETURN_IF_ERROR(CheckScales(scales_name, *scales, tensor));
  weight.scales_ = *std::move(scales);
  return weight;
}

bool StoredWeight::HasPowersOfTwo() const {
  if (!quantized()) return true;
  std::vector<float> scales(scales_->bytes.size() / TensorTypeBytes(scales_->type));
  ToFloats(scales_->type, scales_->bytes, scales.data());
  return std::all_of(scales.begin(), scales.end(), [](float scale) {
    int exponent = 0;
    return std::frexp(scale, &exponent) == 0.5f;
  });
}

absl::Span<const std::byte> StoredWeight::RowBytes(int64_t first, int64_t count) const {
  PLUMB_CHECK(first >= 0 && count >= 0 && first + count <= num_rows_)
      << name_ << ": rows " << first << " + " << count << " of " << num_rows_;
  const int64_t row_bytes = row_size_ * TensorTypeBytes(tensor_.type);
  return tensor_.bytes.subspan(first * row_bytes, count * row_bytes);
}

void StoredWeight::ReadRows(int64_t first, int64_t count, float* out) const {
  ToFloats(tensor_.type, RowBytes(first, count), out);
  if (!quantized() || count == 0) return;
  // Of the scales, those of the bands that the rows lie in.
  const int64_t first_band = first / kFp8BlockSize;
  const int64_t num_scales = (NumFp8Blocks(first + count) - first_band) * NumFp8Blocks(row_size_);
  const int64_t offset = first_band * NumFp8Blocks(row_size_);
  const int64_t scale_bytes = TensorTypeBytes(scales_->type);
  std::vector<float> scales(num_scales);
  ToFloats(scales_->type, scales_->bytes.subspan(offset * scale_bytes, num_scales * scale_bytes), scales.data());
  ApplyFp8Scales(absl::MakeSpan(out, count * row_size_), row_size_, first % kFp8BlockSize, scales);
}

absl::Status ForEachPiece(const WeightRows& rows,
                          const std::function<absl::Status(int64_t, absl::Span<const float>)>& piece) {
  const int64_t row_size = rows.weight.row_size();
  // Whole bands, so that a piece can be quantized on its own.
  const int64_t bands = std::max<int64_t>(1, kPieceNumbers / std::max<int64_t>(1, row_size * kFp8BlockSize));
  const int64_t step = bands * kFp8BlockSize;
  std::vector<float> values;
  for (int64_t first = 0; first < rows.num_rows; first += step) {
    const int64_t count = std::min(step, rows.num_rows - first);
    values.resize(count * row_size);
    rows.weight.ReadRows(rows.first_row + first, count, values.data());
    RETURN_IF_ERROR(piece(first, values));
    ReleasePages(rows.weight.RowBytes(rows.first_row + first, count));
  }
  return absl::OkStatus();
}

void ReleasePages(absl::Span<const std::byte> bytes) {
  static const uintptr_t page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(bytes.data()) + page - 1) / page * page;
  const uintptr_t end = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size()) / page * page;
  // Advice only: where the system does not take it, nothing is wrong.
  if (begin < end) (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace plumb
