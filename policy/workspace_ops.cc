#include "policy/workspace_ops.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "policy/kernels/cpu/attention_forward.h"
#include "policy/kernels/cpu/column_product.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kernels/matrix_product.h"
#include "policy/kernels/rope.h"
#include "policy/mla.h"
#include "policy/yarn.h"

namespace plumb {
namespace {

using cpu::ActiveRowFunctions;
using cpu::BytesOf;
using cpu::ColumnProduct;
using cpu::DotProduct;
using cpu::FloatType;
using cpu::GatedProduct;
using Array = WorkspaceOps::Array;

constexpr int64_t kAlignment = 64;

const void* ElementOf(const at::Tensor& tensor, int64_t index) {
  return static_cast<const char*>(tensor.const_data_ptr()) + index * static_cast<int64_t>(tensor.element_size());
}

char* ElementOf(const Array& array, int64_t index) { return array.memory + index * BytesOf(array.type); }

float* FloatsOf(const Array& array) { return reinterpret_cast<float*>(array.memory); }

// Each thread's list of products; kept, so that a decode step allocates nothing.
template <typename Product>
std::vector<Product>& EmptyList() {
  thread_local std::vector<Product> list;
  list.clear();
  return list;
}

}  // namespace

WorkspaceOps::WorkspaceOps(const WorkspaceForward& forward, FloatType type)
    : forward_(forward), type_(type), measures_(true) {}

WorkspaceOps::WorkspaceOps(const WorkspaceForward& forward, FloatType type, char* memory, const Sizes& sizes)
    : forward_(forward),
      type_(type),
      measures_(false),
      parts_({memory, memory + sizes[0], memory + sizes[0] + sizes[1]}) {}

char* WorkspaceOps::Take(int64_t bytes) {
  char* const memory = measures_ ? nullptr : parts_[part_] + used_[part_];
  used_[part_] += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  peaks_[part_] = std::max(peaks_[part_], used_[part_]);
  return memory;
}

Array WorkspaceOps::TakeArray(int64_t rows, int64_t width, FloatType type) {
  return {Take(rows * width * BytesOf(type)), rows, width, type, waits_, false};
}

void WorkspaceOps::Await(int64_t written) {
  if (written < waits_) return;
  cpu::WaitForOthers();
  ++waits_;
}

void WorkspaceOps::AwaitWhole(const Array& array) { Await(array.written); }

void WorkspaceOps::AwaitOwnRows(const Array& array) {
  if (!array.by_rows) Await(array.written);
}

// The numbers as the products read them.
Array WorkspaceOps::Floats(const Array& input) {
  if (input.type == FloatType::kFloat32) {
    AwaitWhole(input);
    return input;
  }
  if (wide_copy_.width == 0 || wide_source_.memory != input.memory || measures_) {
    AwaitOwnRows(input);
    wide_source_ = input;
    wide_copy_ = TakeArray(input.rows, input.width, FloatType::kFloat32);
    const cpu::CopyRows rows = {.from = input.memory,
                                .from_type = input.type,
                                .from_stride = input.width,
                                .to = wide_copy_.memory,
                                .to_stride = input.width,
                                .width = input.width};
    ForOwnRows(wide_copy_, [&](int64_t begin, int64_t end) { ActiveRowFunctions().copy(rows, begin, end); });
  }
  AwaitWhole(wide_copy_);
  return wide_copy_;
}

Array WorkspaceOps::Embed(const at::Tensor& embed) {
  Array hidden = TakeArray(num_tokens(), embed.size(1), type_);
  cosines_ = sines_ = TakeArray(num_tokens(), forward_.config.qk_rope_head_dim / 2, FloatType::kFloat32);
  sines_.memory = Take(sines_.rows * sines_.width * BytesOf(sines_.type));
  if (measures_) return hidden;
  const cpu::CopyRows rows = {.from = embed.const_data_ptr(),
                              .from_type = type_,
                              .from_stride = embed.size(1),
                              .from_rows = forward_.tokens.ids.const_data_ptr<int64_t>(),
                              .to = hidden.memory,
                              .to_type = type_,
                              .to_stride = hidden.width,
                              .width = hidden.width};
  const RopeAngles angles = {.positions = forward_.tokens.positions.const_data_ptr<int64_t>(),
                             .frequencies = forward_.workspace.rope_frequencies(),
                             .multiplier = CosSinMultiplier(forward_.config.rope),
                             .cosines = FloatsOf(cosines_),
                             .sines = FloatsOf(sines_)};
  ForOwnRows(hidden, [&](int64_t begin, int64_t end) {
    ActiveRowFunctions().copy(rows, begin, end);
    FillRopeTable(angles, begin, end);
  });
  return hidden;
}

// A layer's arrays lie where those of the layer before the last were. Whoever reads these has waited since.
void WorkspaceOps::BeginLayer(int64_t index, const Array&) {
  layer_ = index;
  part_ = 1 + static_cast<int>(index % 2);
  used_[part_] = 0;
  wide_source_ = wide_copy_ = Array();
}

void WorkspaceOps::Multiply(const Array& floats, const at::Tensor& weight, const at::Tensor& bias, Array& output) {
  output.written = waits_;
  if (measures_) return;
  const DotProduct product = {.x = FloatsOf(floats),
                              .x_stride = floats.width,
                              .w = weight.const_data_ptr(),
                              .w_stride = weight.size(1),
                              .bias = bias.defined() ? bias.const_data_ptr() : nullptr,
                              .y = output.memory,
                              .y_stride = output.width,
                              .rows = floats.rows,
                              .columns = weight.size(0),
                              .depth = weight.size(1)};
  cpu::RunDotProducts(&product, 1, {KernelType(weight.scalar_type()), output.type});
}

Array WorkspaceOps::Linear(const Array& input, const at::Tensor& weight, const at::Tensor& bias) {
  const Array floats = Floats(input);
  Array output = TakeArray(input.rows, weight.size(0), type_);
  Multiply(floats, weight, bias, output);
  return output;
}

Array WorkspaceOps::GatedLinear(const Array& input, const at::Tensor& gate_up) {
  const Array floats = Floats(input);
  const Array both = TakeArray(input.rows, gate_up.size(0), type_);
  const Array output = TakeArray(input.rows, gate_up.size(0) / 2, type_);
  if (measures_) return output;
  const GatedProduct product = {.gate_up = {.x = FloatsOf(floats),
                                            .x_stride = floats.width,
                                            .w = gate_up.const_data_ptr(),
                                            .w_stride = gate_up.size(1),
                                            .y = both.memory,
                                            .y_stride = both.width,
                                            .rows = floats.rows,
                                            .columns = gate_up.size(0),
                                            .depth = gate_up.size(1)},
                                .gated = output.memory};
  cpu::RunGatedProducts(&product, 1, {type_, type_});
  return output;
}

Array WorkspaceOps::RmsNorm(const Array& input, const at::Tensor& weight, double epsilon) {
  AwaitOwnRows(input);
  Array output = TakeArray(input.rows, input.width, type_);
  const cpu::RmsNormRows rows = {.x = input.memory,
                                 .x_stride = input.width,
                                 .weight = weight.const_data_ptr(),
                                 .y = output.memory,
                                 .y_stride = output.width,
                                 .width = input.width,
                                 .epsilon = static_cast<float>(epsilon),
                                 .type = type_};
  ForOwnRows(output, [&](int64_t begin, int64_t end) { ActiveRowFunctions().rms_norm(rows, begin, end); });
  return output;
}

Array WorkspaceOps::Add(const Array& left, const Array& right) {
  AwaitOwnRows(left);
  AwaitOwnRows(right);
  Array output = TakeArray(left.rows, left.width, type_);
  const cpu::AddRows rows = {left.memory, right.memory, output.memory, left.width, type_};
  ForOwnRows(output, [&](int64_t begin, int64_t end) { ActiveRowFunctions().add(rows, begin, end); });
  return output;
}

// Of one head, from element `first` of a row to behind the latent part of one of `to`.
cpu::RopeRows WorkspaceOps::Rotation(const Array& from, int64_t first, const Array& to) const {
  return {.x = ElementOf(from, first),
          .x_stride = from.width,
          .y = ElementOf(to, forward_.config.kv_lora_rank),
          .y_stride = to.width,
          .heads = 1,
          .pairs = cosines_.width,
          .cosines = FloatsOf(cosines_),
          .sines = FloatsOf(sines_),
          .interleaved = forward_.config.rope.interleaved,
          .type = type_};
}

Array WorkspaceOps::LatentQueries(const Array& queries, const at::Tensor& kv_b) {
  const ModelConfig& config = forward_.config;
  const int64_t heads = config.num_heads;
  const int64_t width = config.LatentWidth();
  const Array floats = Floats(queries);
  Array output = TakeArray(queries.rows, heads * width, type_);
  const bool rounds = type_ != FloatType::kFloat32;
  Array products = rounds ? TakeArray(queries.rows, heads * width, FloatType::kFloat32) : output;
  if (!measures_) {
    std::vector<ColumnProduct>& list = EmptyList<ColumnProduct>();
    for (int64_t head = 0; head < heads; ++head) {
      list.push_back({.a = FloatsOf(floats) + head * config.QkHeadDim(),
                      .a_row_stride = floats.width,
                      .a_inner_stride = 1,
                      .b = ElementOf(kv_b, head * (config.qk_nope_head_dim + config.v_head_dim) * config.kv_lora_rank),
                      .b_stride = config.kv_lora_rank,
                      .y = FloatsOf(products) + head * width,
                      .y_stride = products.width,
                      .rows = floats.rows,
                      .columns = config.kv_lora_rank,
                      .inner = config.qk_nope_head_dim});
    }
    cpu::RunColumnProducts(list.data(), heads, type_);
  }
  products.written = waits_;
  if (rounds) AwaitWhole(products);
  const cpu::CopyRows rounded = {.from = products.memory,
                                 .from_stride = width,
                                 .to = output.memory,
                                 .to_type = type_,
                                 .to_stride = width,
                                 .width = config.kv_lora_rank};
  cpu::RopeRows rotated = Rotation(queries, config.qk_nope_head_dim, output);
  rotated.heads = heads;
  rotated.x_head_stride = config.QkHeadDim();
  rotated.y_head_stride = width;
  ForOwnRows(output, [&](int64_t begin, int64_t end) {
    if (rounds) ActiveRowFunctions().copy(rounded, begin * heads, end * heads);
    ActiveRowFunctions().rope(rotated, begin, end);
  });
  output.by_rows = false;  // the products' part is not
  return output;
}

Array WorkspaceOps::Latents(const Array& latents, const at::Tensor& norm) {
  const ModelConfig& config = forward_.config;
  AwaitOwnRows(latents);
  Array output = TakeArray(latents.rows, latents.width, type_);
  if (measures_) return output;
  const cpu::RmsNormRows normalised = {.x = latents.memory,
                                       .x_stride = latents.width,
                                       .weight = norm.const_data_ptr(),
                                       .y = output.memory,
                                       .y_stride = output.width,
                                       .width = config.kv_lora_rank,
                                       .epsilon = static_cast<float>(kLatentNormEpsilon),
                                       .type = type_};
  const cpu::RopeRows rotated = Rotation(latents, config.kv_lora_rank, output);
  const bool cached = forward_.cache != nullptr;
  const cpu::CopyRows into_pages = {.from = output.memory,
                                    .from_type = type_,
                                    .from_stride = output.width,
                                    .to = cached ? forward_.cache->layer(layer_).mutable_data_ptr() : nullptr,
                                    .to_type = type_,
                                    .to_stride = output.width,
                                    .to_rows = forward_.workspace.slots.data(),
                                    .width = output.width};
  ForOwnRows(output, [&](int64_t begin, int64_t end) {
    ActiveRowFunctions().rms_norm(normalised, begin, end);
    ActiveRowFunctions().rope(rotated, begin, end);
    if (cached) ActiveRowFunctions().copy(into_pages, begin, end);
  });
  return output;
}

Array WorkspaceOps::Attend(const Array& queries, const Array& latents, const at::Tensor& kv_b) {
  return HeadValues(AttendLatents(LatentQueries(queries, kv_b), latents), kv_b);
}

Array WorkspaceOps::AttendLatents(const Array& queries, const Array& latents) {
  const ModelConfig& config = forward_.config;
  AwaitWhole(queries);
  AwaitWhole(latents);
  Array output = TakeArray(queries.rows, config.num_heads * config.kv_lora_rank, type_);
  if (measures_) return output;
  cpu::AttentionInput input;
  input.queries = queries.memory;
  input.query_type = type_;
  input.latents = forward_.cache != nullptr ? forward_.cache->layer(layer_).const_data_ptr() : latents.memory;
  input.latent_type = type_;
  input.num_heads = config.num_heads;
  input.width = config.LatentWidth();
  input.value_width = config.kv_lora_rank;
  input.scale = static_cast<float>(SoftmaxScale(config));
  cpu::RunAttention(input, forward_.workspace.units, output.memory, nullptr);
  return output;
}

Array WorkspaceOps::HeadValues(const Array& mixed, const at::Tensor& kv_b) {
  const ModelConfig& config = forward_.config;
  const int64_t rank = config.kv_lora_rank;
  const Array floats = Floats(mixed);
  const Array output = TakeArray(mixed.rows, config.num_heads * config.v_head_dim, type_);
  if (measures_) return output;
  std::vector<DotProduct>& list = EmptyList<DotProduct>();
  for (int64_t head = 0; head < config.num_heads; ++head) {
    const int64_t first_row = head * (config.qk_nope_head_dim + config.v_head_dim) + config.qk_nope_head_dim;
    list.push_back({.x = FloatsOf(floats) + head * rank,
                    .x_stride = floats.width,
                    .w = ElementOf(kv_b, first_row * rank),
                    .w_stride = rank,
                    .y = ElementOf(output, head * config.v_head_dim),
                    .y_stride = output.width,
                    .rows = floats.rows,
                    .columns = config.v_head_dim,
                    .depth = rank});
  }
  cpu::RunDotProducts(list.data(), config.num_heads, {type_, type_});
  return output;
}

Array WorkspaceOps::Pick(const Array& input, const std::vector<int64_t>& rows) {
  AwaitWhole(input);
  Array output = TakeArray(static_cast<int64_t>(rows.size()), input.width, type_);
  const cpu::CopyRows copy = {.from = input.memory,
                              .from_type = type_,
                              .from_stride = input.width,
                              .from_rows = rows.data(),
                              .to = output.memory,
                              .to_type = type_,
                              .to_stride = output.width,
                              .width = output.width};
  ForOwnRows(output, [&](int64_t begin, int64_t end) { ActiveRowFunctions().copy(copy, begin, end); });
  return output;
}

void WorkspaceOps::Store(const Array& input, const at::Tensor& output) {
  AwaitOwnRows(input);
  if (measures_) return;
  Array array = {static_cast<char*>(output.mutable_data_ptr()), input.rows, input.width, type_, waits_, true};
  const cpu::CopyRows copy = {.from = input.memory,
                              .from_type = type_,
                              .from_stride = input.width,
                              .to = array.memory,
                              .to_type = type_,
                              .to_stride = input.width,
                              .width = input.width};
  ForOwnRows(array, [&](int64_t begin, int64_t end) { ActiveRowFunctions().copy(copy, begin, end); });
}

void WorkspaceOps::LogitsInto(const Array& input, const at::Tensor& head, const at::Tensor& output) {
  const Array floats = Floats(input);
  if (measures_) return;
  Array array = {static_cast<char*>(output.mutable_data_ptr()), input.rows, head.size(0), FloatType::kFloat32};
  Multiply(floats, head, {}, array);
}

}  // namespace plumb
