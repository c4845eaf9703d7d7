#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "policy/folder_layout.h"
#include "policy/kept_mtp.h"
#include "policy/weights.h"

namespace plumb {
namespace {

// Whether the stored bytes are those of the buffer.
bool StoredAs(const StoredWeight& weight, const at::Tensor& target) {
  if (!target.device().is_cpu()) return false;
  return (weight.type() == TensorType::kF32 && target.scalar_type() == at::kFloat) ||
         (weight.type() == TensorType::kBF16 && target.scalar_type() == at::kBFloat16);
}

// Fills a buffer's part from the file, piece by piece.
absl::Status ReadInto(const WeightRows& rows, const at::Tensor& target) {
  if (StoredAs(rows.weight, target)) {
    const absl::Span<const std::byte> bytes = rows.weight.RowBytes(rows.first_row, rows.num_rows);
    if (!bytes.empty()) std::memcpy(target.mutable_data_ptr(), bytes.data(), bytes.size());
    ReleasePages(bytes);
    return absl::OkStatus();
  }
  const int64_t row_size = rows.weight.row_size();
  at::Tensor matrix = target.view({rows.num_rows, row_size});
  return ForEachPiece(rows, [&](int64_t first, absl::Span<const float> values) {
    const int64_t count = static_cast<int64_t>(values.size()) / std::max<int64_t>(1, row_size);
    const at::Tensor piece = at::from_blob(const_cast<float*>(values.data()), {count, row_size}, at::kFloat);
    matrix.narrow(0, first, count).copy_(piece);
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<PolicyWeights> LoadWeights(std::shared_ptr<const ModelFolder> folder, at::ScalarType dtype,
                                          at::Device device) {
  ASSIGN_OR_RETURN(const ModelConfig config, ParseModelConfig(folder->config()));
  return CatchTorch("LoadWeights", [&]() -> absl::StatusOr<PolicyWeights> {
    const at::NoGradGuard no_grad;
    FolderLayout layout = FindLayout(*folder, config);
    RETURN_IF_ERROR(layout.FirstProblem());
    PolicyWeights weights = AllocateWeights(config, dtype, device);
    const std::vector<PublishedTensor> tensors = PublishedTensors(weights);
    PLUMB_CHECK(tensors.size() == layout.trunk.size()) << tensors.size() << " tensors, " << layout.trunk.size();
    for (size_t i = 0; i < tensors.size(); ++i) {
      PLUMB_CHECK(tensors[i].name == layout.trunk[i].name) << tensors[i].name << " " << layout.trunk[i].name;
      RETURN_IF_ERROR(ReadInto(layout.trunk[i].rows, tensors[i].view));
    }
    if (!layout.mtp.empty()) {
      weights.mtp = std::make_shared<const KeptMtp>(KeptMtp{std::move(folder), std::move(layout.mtp)});
    }
    return weights;
  });
}

}  // namespace plumb
