#ifndef PLUMB_CHECKPOINT_STORED_WEIGHT_H_
#define PLUMB_CHECKPOINT_STORED_WEIGHT_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/safetensors.h"

namespace plumb {

// What stands behind the name of a quantized weight to name its scales: "X.weight_scale_inv". Despite the name a scale
// is a factor.
inline constexpr char kScaleSuffix[] = "_scale_inv";

// A weight of a model folder, in FP8 blocks or plain, that is read in pieces as float32. It borrows the folder's
// mapping. Rows are those of the last dimension: a vector has one. Immutable, thread-safe.
class StoredWeight {
 public:
  // Finds a weight, and its scales where it is F8_E4M3; they may lie in another shard.
  // Errors: kNotFound for the weight or the scales; kInvalidArgument for a type that is no float, an F8_E4M3 tensor
  // that is not a matrix, scales of another type than F32 or F8_E8M0 or of a wrong shape.
  static absl::StatusOr<StoredWeight> Find(const ModelFolder& folder, const std::string& name);

  const std::string& name() const { return name_; }
  TensorType type() const { return tensor_.type; }
  const std::vector<int64_t>& shape() const { return tensor_.shape; }
  bool quantized() const { return scales_.has_value(); }
  // The scales as they are stored; nothing where the weight is plain.
  const std::optional<TensorBytes>& scales() const { return scales_; }
  // Whether every scale is a power of two; true where the weight is plain.
  bool HasPowersOfTwo() const;

  int64_t num_rows() const { return num_rows_; }
  int64_t row_size() const { return row_size_; }
  // The stored bytes of rows [first, first + count).
  absl::Span<const std::byte> RowBytes(int64_t first, int64_t count) const;
  // Decodes rows [first, first + count), times their scales, into `out`, [count, row_size].
  void ReadRows(int64_t first, int64_t count, float* out) const;

 private:
  StoredWeight() = default;
  std::string name_;
  TensorBytes tensor_;
  std::optional<TensorBytes> scales_;
  int64_t num_rows_ = 1;
  int64_t row_size_ = 1;
};

// Some rows of a stored weight: the whole of it, or one expert's part of stacked experts.
struct WeightRows {
  StoredWeight weight;
  int64_t first_row = 0;
  int64_t num_rows = 0;
};

// Hands the rows to `piece` in order as float32, in pieces of a few megabytes (whole bands of FP8 blocks), and gives
// the file's pages back to the system after each.
//   piece  called with the number of rows that came before and the values, [rows, row_size]
absl::Status ForEachPiece(const WeightRows& rows,
                          const std::function<absl::Status(int64_t first, absl::Span<const float> values)>& piece);

// Gives back the pages of a mapped file that lie wholly inside `bytes`: they no longer count as memory of this program.
// They can still be read, from the file.
void ReleasePages(absl::Span<const std::byte> bytes);

}  // namespace plumb

#endif  // PLUMB_CHECKPOINT_STORED_WEIGHT_H_
