#ifndef PLUMB_POLICY_KERNELS_GATHER_PAGES_H_
#define PLUMB_POLICY_KERNELS_GATHER_PAGES_H_

#include <ATen/core/Tensor.h>

namespace plumb {

// Copies the latents of sequences out of cache pages, side by side; what lies beyond a sequence's length is zero.
//
//   pages     [pages, 64, W], one layer of the cache
//   table     [B, P] int32, the pages of each sequence in the order of positions; any page where it has none
//   lengths   [B] int32, at most S and 64 * P
//   num_keys  S
//   returns   [B, S, W]
at::Tensor GatherPages(const at::Tensor& pages, const at::Tensor& table, const at::Tensor& lengths, int64_t num_keys);

// The plain ATen form; kernels are compared with it.
at::Tensor GatherPagesReference(const at::Tensor& pages, const at::Tensor& table, const at::Tensor& lengths,
                                int64_t num_keys);

// Puts latents into their places in cache pages, in the pages' type. No gradient flows.
//
//   latents  [N, W]
//   slots    [N] int64, page * 64 + offset
//   pages    [pages, 64, W], one layer of the cache
void WriteToPages(const at::Tensor& latents, const at::Tensor& slots, const at::Tensor& pages);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_GATHER_PAGES_H_
