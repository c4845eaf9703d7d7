#include "policy/kernels/mla_heads.h"

#include <ATen/ATen.h>

#include "policy/kernels/cpu/attention_backward.h"
#include "policy/kernels/cpu/dot_product.h"
#include "policy/kernels/custom_gradient.h"
#include "policy/kernels/matrix_product.h"
#include "policy/kernels/mla_attention.h"
#include "policy/kernels/per_head_product.h"
#include "policy/kernels/weight_gradient.h"

namespace plumb {
namespace {

// What a layer's tensors say of its widths.
struct MlaWidths {
  int64_t heads, nope, rope, rank, value;  // H, Dn, Dr, Rkv, Dv
};

MlaWidths WidthsOf(const at::Tensor& queries, const at::Tensor& latents, const at::Tensor& kv_b) {
  const int64_t heads = queries.size(1), rank = kv_b.size(1);
  const int64_t rope = latents.size(1) - rank;
  const int64_t nope = queries.size(2) - rope;
  return {heads, nope, rope, rank, kv_b.size(0) / heads - nope};
}

// [H, Dn + Dv, Rkv]
at::Tensor ByHead(const at::Tensor& kv_b, int64_t num_heads) { return kv_b.view({num_heads, -1, kv_b.size(1)}); }

using PerHead = at::Tensor (*)(const at::Tensor& input, const at::Tensor& matrices);

at::Tensor IntoLatentSpace(PerHead product, const at::Tensor& queries, const at::Tensor& kv_b, int64_t rope) {
  const int64_t nope = queries.size(2) - rope;
  return at::cat({product(queries.narrow(2, 0, nope), ByHead(kv_b, queries.size(1)).narrow(1, 0, nope)),
                  queries.narrow(2, nope, rope)},
                 2);
}

at::Tensor OutOfLatentSpace(PerHead product, const at::Tensor& mixed, const at::Tensor& kv_b, int64_t value) {
  const at::Tensor matrices = ByHead(kv_b, mixed.size(1));
  return product(mixed, matrices.narrow(1, matrices.size(1) - value, value).transpose(1, 2));
}

// What a backward pass needs.
struct Saved {
  at::Tensor queries;    // [N, H, Dn + Dr]
  at::Tensor latents;    // [N, Rkv + Dr]
  at::Tensor kv_b;       // [H * (Dn + Dv), Rkv]
  at::Tensor parameter;  // kv_b as it came
  at::Tensor output;     // [N, H, Dv]
  at::Tensor logsumexp;  // [N, H] float32
  std::shared_ptr<const cpu::AttentionUnits> units;
  double scale;
};

// Keys and values of each head: [H, N, Dn + Dr] and [H, N, Dv], float32.
struct HeadKeys {
  at::Tensor keys;
  at::Tensor values;
};

HeadKeys ExpandLatents(const Saved& saved, const MlaWidths& widths) {
  const int64_t n = saved.latents.size(0);
  const at::TensorOptions floats = saved.logsumexp.options();
  const HeadKeys expanded = {at::empty({widths.heads, n, widths.nope + widths.rope}, floats),
                             at::empty({widths.heads, n, widths.value}, floats)};
  const at::Tensor rows = FloatRows(saved.latents.narrow(1, 0, widths.rank));
  const auto product = [&](int64_t first_row, const at::Tensor& y, int64_t columns) {
    return cpu::DotProduct{.x = rows.const_data_ptr<float>(),
                           .x_stride = rows.stride(0),
                           .w = saved.kv_b[first_row].const_data_ptr(),
                           .w_stride = saved.kv_b.stride(0),
                           .y = y.mutable_data_ptr(),
                           .y_stride = y.stride(0),
                           .rows = n,
                           .columns = columns,
                           .depth = widths.rank};
  };
  std::vector<cpu::DotProduct> products;
  for (int64_t head = 0; head < widths.heads; ++head) {
    const int64_t first_row = head * (widths.nope + widths.value);
    products.push_back(product(first_row, expanded.keys[head], widths.nope));
    products.push_back(product(first_row + widths.nope, expanded.values[head], widths.value));
  }
  cpu::RunDotProducts(products.data(), static_cast<int64_t>(products.size()),
                      {KernelType(saved.kv_b.scalar_type()), cpu::FloatType::kFloat32});
  expanded.keys.narrow(2, widths.nope, widths.rope)
      .copy_(saved.latents.narrow(1, widths.rank, widths.rope).unsqueeze(0));
  return expanded;
}

// Gradients of attention with each head's keys and values.
struct AttentionGradients {
  at::Tensor queries;      // [N, H, Dn + Dr] of their type
  at::Tensor keys_values;  // [N, H * (Dn + Dv)] float32, as kv_b makes them
  at::Tensor rotated;      // [N, H, Dr] float32, of the key that all heads share
};

AttentionGradients AttentionBackward(const Saved& saved, const MlaWidths& widths, const at::Tensor& upstream) {
  const HeadKeys expanded = ExpandLatents(saved, widths);
  const int64_t n = saved.queries.size(0);
  const at::TensorOptions floats = saved.logsumexp.options();
  const AttentionGradients gradients = {at::empty_like(saved.queries),
                                        at::empty({n, widths.heads * (widths.nope + widths.value)}, floats),
                                        at::empty({n, widths.heads, widths.rope}, floats)};
  const cpu::HeadAttention attention = {.queries = saved.queries.const_data_ptr(),
                                        .keys = expanded.keys.const_data_ptr<float>(),
                                        .values = expanded.values.const_data_ptr<float>(),
                                        .type = KernelType(saved.queries.scalar_type()),
                                        .num_tokens = n,
                                        .num_heads = widths.heads,
                                        .width = widths.nope + widths.rope,
                                        .own_width = widths.nope,
                                        .value_width = widths.value,
                                        .scale = static_cast<float>(saved.scale)};
  cpu::RunAttentionBackward(attention, *saved.units,
                            {.upstream = upstream.const_data_ptr(),
                             .output = saved.output.const_data_ptr(),
                             .logsumexp = saved.logsumexp.const_data_ptr<float>(),
                             .queries = gradients.queries.mutable_data_ptr(),
                             .keys_values = gradients.keys_values.mutable_data_ptr<float>(),
                             .shared = gradients.rotated.mutable_data_ptr<float>()});
  return gradients;
}

// Of queries, latents and kv_b.
std::vector<at::Tensor> Backward(const Saved& saved, const at::Tensor& gradient) {
  const MlaWidths widths = WidthsOf(saved.queries, saved.latents, saved.kv_b);
  const at::ScalarType type = saved.queries.scalar_type();
  const auto [queries, rows, rotated] = AttentionBackward(saved, widths, gradient.to(type).contiguous());
  const at::Tensor latents = at::cat({Times(rows, saved.kv_b), rotated.sum(1)}, 1).to(type);
  return {queries, latents, WeightGradient(saved.parameter, rows, saved.latents.narrow(1, 0, widths.rank))};
}

bool HasKernel(const at::Tensor& queries, const at::Tensor& latents, const at::Tensor& kv_b) {
  const at::ScalarType type = queries.scalar_type();
  return CpuProductTakes(kv_b) && latents.scalar_type() == type && kv_b.scalar_type() == type;
}

}  // namespace

at::Tensor LatentQueries(const at::Tensor& queries, const at::Tensor& kv_b, int64_t rope_head_dim) {
  return IntoLatentSpace(PerHeadProduct, queries, kv_b, rope_head_dim);
}

at::Tensor HeadValues(const at::Tensor& mixed, const at::Tensor& kv_b, int64_t v_head_dim) {
  return OutOfLatentSpace(PerHeadProduct, mixed, kv_b, v_head_dim);
}

at::Tensor MlaHeads(const at::Tensor& queries, const at::Tensor& latents, const at::Tensor& kv_b,
                    const AttentionPlan& plan, double scale) {
  if (!HasKernel(queries, latents, kv_b)) return MlaHeadsReference(queries, latents, kv_b, plan, scale);
  const MlaWidths widths = WidthsOf(queries, latents, kv_b);
  Saved saved{
      queries.detach().contiguous(), latents.detach().contiguous(), kv_b.detach(), kv_b, {}, {}, plan.units, scale};
  const at::Tensor in_latent_space = LatentQueries(saved.queries, saved.kv_b, widths.rope);
  const bool needs_gradient = NeedsGradient({queries, latents, kv_b});
  const at::Tensor mixed = MlaAttention(in_latent_space, saved.latents, plan, widths.rank, scale,
                                        needs_gradient ? &saved.logsumexp : nullptr);
  saved.output = HeadValues(mixed, saved.kv_b, widths.value).contiguous();
  const at::Tensor output = needs_gradient ? saved.output.detach() : saved.output;
  return WithGradient(output, {queries, latents, kv_b},
                      [saved = std::move(saved)](const at::Tensor& gradient) { return Backward(saved, gradient); });
}

at::Tensor MlaHeadsReference(const at::Tensor& queries, const at::Tensor& latents, const at::Tensor& kv_b,
                             const AttentionPlan& plan, double scale) {
  const MlaWidths widths = WidthsOf(queries, latents, kv_b);
  const at::Tensor in_latent_space = IntoLatentSpace(PerHeadProductReference, queries, kv_b, widths.rope);
  const at::Tensor mixed = MlaAttentionReference(in_latent_space, latents, plan, widths.rank, scale);
  return OutOfLatentSpace(PerHeadProductReference, mixed, kv_b, widths.value);
}

}  // namespace plumb
