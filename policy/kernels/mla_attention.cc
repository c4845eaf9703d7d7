#include "policy/kernels/mla_attention.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "policy/kernels/cpu/attention_forward.h"
#include "policy/kernels/custom_gradient.h"

namespace plumb {
namespace {

bool HasKernel(const at::Tensor& tensor) {
  return tensor.is_cpu() && (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16);
}

cpu::FloatType TypeOf(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat ? cpu::FloatType::kFloat32 : cpu::FloatType::kBf16;
}

// Views of tensors that the caller keeps, [N, H, W] and [..., W], both contiguous.
cpu::AttentionInput InputOf(const at::Tensor& queries, const at::Tensor& latents, int64_t value_width, double scale) {
  cpu::AttentionInput input;
  input.queries = queries.const_data_ptr();
  input.query_type = TypeOf(queries);
  input.latents = latents.const_data_ptr();
  input.latent_type = TypeOf(latents);
  input.num_heads = queries.size(1);
  input.width = queries.size(2);
  input.value_width = value_width;
  input.scale = static_cast<float>(scale);
  return input;
}

// [N, H, Rkv]
at::Tensor EmptyOutput(const at::Tensor& queries, int64_t value_width) {
  return at::empty({queries.size(0), queries.size(1), value_width}, queries.options().requires_grad(false));
}

}  // namespace

at::Tensor MlaAttention(const at::Tensor& queries, const at::Tensor& latents, const AttentionPlan& plan,
                        int64_t value_width, double scale, at::Tensor* logsumexp) {
  if (!HasKernel(queries) || !HasKernel(latents)) {
    PLUMB_CHECK(logsumexp == nullptr) << "the plain form has no sums of its scores";
    return MlaAttentionReference(queries, latents, plan, value_width, scale);
  }
  PLUMB_CHECK(!NeedsGradient({queries, latents})) << "attention in the latent space has no gradient on the CPU";
  const at::Tensor rows = queries.detach().contiguous();
  const at::Tensor keys = latents.detach().contiguous();
  const at::Tensor output = EmptyOutput(queries, value_width);
  if (logsumexp != nullptr) *logsumexp = at::empty({queries.size(0), queries.size(1)}, at::kFloat);
  cpu::RunAttention(InputOf(rows, keys, value_width, scale), *plan.units, output.mutable_data_ptr(),
                    logsumexp != nullptr ? logsumexp->mutable_data_ptr<float>() : nullptr);
  return output;
}

at::Tensor MlaAttentionOverPages(const at::Tensor& queries, const at::Tensor& pages, const AttentionPlan& plan,
                                 int64_t value_width, double scale) {
  if (!HasKernel(queries) || !HasKernel(pages)) {
    return MlaAttentionOverPagesReference(queries, pages, plan, value_width, scale);
  }
  const at::Tensor rows = queries.detach().contiguous();
  const at::Tensor output = EmptyOutput(queries, value_width);
  cpu::RunAttention(InputOf(rows, pages, value_width, scale), *plan.units, output.mutable_data_ptr(), nullptr);
  return output;
}

}  // namespace plumb
