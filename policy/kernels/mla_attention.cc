#include "policy/kernels/mla_attention.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "policy/kernels/cpu/attention_backward.h"
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

// What a backward pass needs.
struct Saved {
  at::Tensor queries;    // [N, H, W]
  at::Tensor latents;    // [N, W]
  at::Tensor output;     // [N, H, Rkv]
  at::Tensor logsumexp;  // [N, H] float32
  std::shared_ptr<const cpu::AttentionUnits> units;
  double scale;
};

std::vector<at::Tensor> Backward(const Saved& saved, const at::Tensor& gradient) {
  const at::Tensor upstream = gradient.to(saved.queries.scalar_type()).contiguous();
  const at::Tensor queries = at::empty_like(saved.queries);
  const at::Tensor latents = at::empty_like(saved.latents);
  cpu::AttentionGradients gradients;
  gradients.upstream = upstream.const_data_ptr();
  gradients.output = saved.output.const_data_ptr();
  gradients.logsumexp = saved.logsumexp.const_data_ptr<float>();
  gradients.queries = queries.mutable_data_ptr();
  gradients.latents = latents.mutable_data_ptr();
  cpu::RunAttentionBackward(InputOf(saved.queries, saved.latents, saved.output.size(2), saved.scale), *saved.units,
                            gradients);
  return {queries, latents};
}

}  // namespace

at::Tensor MlaAttention(const at::Tensor& queries, const at::Tensor& latents, const AttentionPlan& plan,
                        int64_t value_width, double scale) {
  if (!HasKernel(queries) || !HasKernel(latents)) {
    return MlaAttentionReference(queries, latents, plan, value_width, scale);
  }
  Saved saved{queries.detach().contiguous(), latents.detach().contiguous(), {}, {}, plan.units, scale};
  saved.output = EmptyOutput(queries, value_width);
  const bool needs_gradient = NeedsGradient({queries, latents});
  if (needs_gradient) saved.logsumexp = at::empty({queries.size(0), queries.size(1)}, at::kFloat);
  cpu::RunAttention(InputOf(saved.queries, saved.latents, value_width, scale), *plan.units,
                    saved.output.mutable_data_ptr(),
                    needs_gradient ? saved.logsumexp.mutable_data_ptr<float>() : nullptr);
  const at::Tensor output = needs_gradient ? saved.output.detach() : saved.output;
  return WithGradient(output, {queries, latents},
                      [saved = std::move(saved)](const at::Tensor& gradient) { return Backward(saved, gradient); });
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
