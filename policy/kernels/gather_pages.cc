#include "policy/kernels/gather_pages.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/DeviceGuard.h>

#include <cstring>

#include "policy/kernels/cpu/parallel.h"
#if defined(PLUMB_WITH_CUDA)
#include "policy/kernels/cuda/cuda_stream.h"
#include "policy/kernels/cuda/gather_pages_cuda.h"
#endif

namespace plumb {
namespace {

constexpr int64_t kBytesPerTask = 1 << 18;

at::Tensor GatherPagesOnCpu(const at::Tensor& pages, const at::Tensor& table, const at::Tensor& lengths,
                            int64_t num_keys) {
  const int64_t page_tokens = pages.size(1);
  const int64_t token_bytes = pages.size(2) * static_cast<int64_t>(pages.element_size());
  const at::Tensor output = at::empty({table.size(0), num_keys, pages.size(2)}, pages.options());
  const char* from = static_cast<const char*>(pages.const_data_ptr());
  char* to = static_cast<char*>(output.mutable_data_ptr());
  const int32_t* page_of = table.const_data_ptr<int32_t>();
  const int32_t* length_of = lengths.const_data_ptr<int32_t>();
  const int64_t per_task = std::max<int64_t>(1, kBytesPerTask / (num_keys * token_bytes));
  cpu::ParallelRanges(table.size(0), per_task, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      char* row_to = to + row * num_keys * token_bytes;
      const int64_t length = std::min<int64_t>(length_of[row], num_keys);
      for (int64_t token = 0; token < length; token += page_tokens) {
        const int64_t page = page_of[row * table.size(1) + token / page_tokens];
        const int64_t count = std::min(page_tokens, length - token);
        std::memcpy(row_to + token * token_bytes, from + page * page_tokens * token_bytes, count * token_bytes);
      }
      std::memset(row_to + length * token_bytes, 0, (num_keys - length) * token_bytes);
    }
  });
  return output;
}

#if defined(PLUMB_WITH_CUDA)
at::Tensor GatherPagesOnCuda(const at::Tensor& pages, const at::Tensor& table, const at::Tensor& lengths,
                             int64_t num_keys) {
  const c10::DeviceGuard device(pages.device());
  const at::Tensor output = at::empty({table.size(0), num_keys, pages.size(2)}, pages.options());
  const GatherPagesSizes sizes = {table.size(0), table.size(1), num_keys, pages.size(1),
                                  pages.size(2) * static_cast<int64_t>(pages.element_size())};
  CheckCudaLaunch("GatherPages", LaunchGatherPages(pages.const_data_ptr(), table.const_data_ptr<int32_t>(),
                                                   lengths.const_data_ptr<int32_t>(), output.mutable_data_ptr(), sizes,
                                                   CurrentCudaStream(pages.device())));
  return output;
}
#endif

}  // namespace

at::Tensor GatherPagesReference(const at::Tensor& pages, const at::Tensor& table, const at::Tensor& lengths,
                                int64_t num_keys) {
  const at::NoGradGuard no_grad;
  const at::Tensor gathered = pages.index_select(0, table.reshape({-1}).to(at::kLong));
  const at::Tensor rows = gathered.view({table.size(0), -1, pages.size(2)}).narrow(1, 0, num_keys);
  const at::Tensor keys = at::arange(num_keys, lengths.options());
  return rows.masked_fill((keys.unsqueeze(0) >= lengths.unsqueeze(1)).unsqueeze(2), 0);
}

at::Tensor GatherPages(const at::Tensor& pages, const at::Tensor& table, const at::Tensor& lengths, int64_t num_keys) {
  if (pages.is_cpu()) return GatherPagesOnCpu(pages, table, lengths, num_keys);
#if defined(PLUMB_WITH_CUDA)
  if (pages.is_cuda()) return GatherPagesOnCuda(pages, table, lengths, num_keys);
#endif
  return GatherPagesReference(pages, table, lengths, num_keys);
}

void WriteToPages(const at::Tensor& latents, const at::Tensor& slots, const at::Tensor& pages) {
  const at::NoGradGuard no_grad;
  const bool copies =
      pages.is_cpu() && pages.is_contiguous() && latents.scalar_type() == pages.scalar_type() && latents.stride(1) == 1;
  if (!copies) {
    pages.view({-1, pages.size(2)}).index_copy_(0, slots, latents.detach().to(pages.scalar_type()));
    return;
  }
  const int64_t bytes = pages.size(2) * static_cast<int64_t>(pages.element_size());
  const int64_t stride = latents.stride(0) * static_cast<int64_t>(latents.element_size());
  const char* from = static_cast<const char*>(latents.const_data_ptr());
  char* to = static_cast<char*>(pages.mutable_data_ptr());
  const int64_t* slot = slots.const_data_ptr<int64_t>();
  for (int64_t token = 0; token < latents.size(0); ++token) {
    std::memcpy(to + slot[token] * bytes, from + token * stride, bytes);
  }
}

}  // namespace plumb
