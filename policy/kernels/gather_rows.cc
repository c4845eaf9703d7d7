#include "policy/kernels/gather_rows.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstring>

#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/custom_gradient.h"

namespace plumb {
namespace {

constexpr int64_t kBytesPerTask = 1 << 18;

at::Tensor GatherRowsOnCpu(const at::Tensor& source, const at::Tensor& rows) {
  const at::Tensor output = at::empty({rows.size(0), source.size(1)}, source.options());
  const int64_t row_bytes = source.size(1) * static_cast<int64_t>(source.element_size());
  const int64_t stride_bytes = source.stride(0) * static_cast<int64_t>(source.element_size());
  const char* from = static_cast<const char*>(source.const_data_ptr());
  char* to = static_cast<char*>(output.mutable_data_ptr());
  const int64_t* indices = rows.const_data_ptr<int64_t>();
  const int64_t rows_per_task = std::max<int64_t>(1, kBytesPerTask / std::max<int64_t>(1, row_bytes));
  cpu::ParallelRanges(rows.size(0), rows_per_task, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      if (indices[row] < 0) {
        std::memset(to + row * row_bytes, 0, row_bytes);
      } else {
        std::memcpy(to + row * row_bytes, from + indices[row] * stride_bytes, row_bytes);
      }
    }
  });
  return output;
}

}  // namespace

at::Tensor GatherRows(const at::Tensor& source, const at::Tensor& rows) {
  const at::NoGradGuard no_grad;
  const at::Tensor whole_rows = source.stride(1) == 1 || source.size(1) == 1 ? source : source.contiguous();
  if (source.is_cpu()) return GatherRowsOnCpu(whole_rows, rows.contiguous());
  return whole_rows.index_select(0, rows.clamp_min(0)).masked_fill_((rows < 0).unsqueeze(1), 0);
}

at::Tensor GatherRows(const at::Tensor& source, const at::Tensor& rows, const at::Tensor& inverse) {
  return WithGradient(GatherRows(source, rows), {source}, [inverse](const at::Tensor& gradient) {
    const at::Tensor places = GatherRows(gradient, inverse.reshape({-1}));
    if (inverse.size(1) == 1) return std::vector<at::Tensor>{places};
    return std::vector<at::Tensor>{places.view({inverse.size(0), inverse.size(1), -1}).sum(1)};
  });
}

}  // namespace plumb
