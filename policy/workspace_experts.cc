// The mixture of experts of WorkspaceOps.
#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kernels/matrix_product.h"
#include "policy/kernels/router.h"
#include "policy/workspace_ops.h"

namespace plumb {
namespace {

using cpu::ActiveRowFunctions;
using cpu::BytesOf;
using cpu::DotProduct;
using cpu::FloatType;
using cpu::GatedProduct;
using Array = WorkspaceOps::Array;
using Choice = WorkspaceOps::Choice;

// Up to this many tokens one thread routes all of them: that costs less than to wait for another.
constexpr int64_t kFewTokens = 8;

// An expert's product over its places.
DotProduct ProductOf(const Array& input, const at::Tensor& weights, int64_t expert, const cpu::ExpertOrder& order) {
  const int64_t start = order.starts[expert];
  const int64_t matrix = expert * weights.size(1) * weights.size(2) * BytesOf(KernelType(weights.scalar_type()));
  return {.x = reinterpret_cast<const float*>(input.memory) + start * input.width,
          .x_stride = input.width,
          .w = static_cast<const char*>(weights.const_data_ptr()) + matrix,
          .w_stride = weights.size(2),
          .rows = order.starts[expert + 1] - start,
          .columns = weights.size(1),
          .depth = weights.size(2)};
}

// Calls body(expert, first place) for the experts that were chosen, ascending.
template <typename Body>
void ForChosenExperts(const cpu::ExpertOrder& order, const Body& body) {
  for (int64_t expert = 0; expert < order.num_experts; ++expert) {
    const int64_t start = order.starts[expert];
    if (order.starts[expert + 1] > start) body(expert, start);
  }
}

char* RowOf(const Array& array, int64_t row) { return array.memory + row * array.width * BytesOf(array.type); }

}  // namespace

Choice WorkspaceOps::ChooseExperts(const Array& hidden, const at::Tensor& gate, const at::Tensor& gate_bias) {
  const ModelConfig& config = forward_.config;
  const int64_t num_experts = config.num_experts;
  const int64_t per_row = config.experts_per_token;
  const int64_t places = hidden.rows * per_row;
  const Array floats = Floats(hidden);
  Array logits = TakeArray(hidden.rows, num_experts, FloatType::kFloat32);
  const Array scores = TakeArray(hidden.rows, 2 * num_experts, FloatType::kFloat32);
  Choice choice;
  choice.weights = TakeArray(hidden.rows, per_row, FloatType::kFloat32);
  choice.experts = reinterpret_cast<int64_t*>(Take(places * 8));
  choice.order = {.experts = choice.experts,
                  .num_rows = hidden.rows,
                  .per_row = per_row,
                  .num_experts = num_experts,
                  .starts = reinterpret_cast<int64_t*>(Take((num_experts + 1) * 8)),
                  .rows = reinterpret_cast<int64_t*>(Take(places * 8)),
                  .places = reinterpret_cast<int64_t*>(Take(places * 8))};
  Multiply(floats, gate, {}, logits);
  AwaitWhole(logits);
  RouteRows(logits, scores, gate_bias, choice);
  choice.written = waits_;
  return choice;
}

// Scores, then what is ranked: scores and bias.
void WorkspaceOps::RouteRows(const Array& logits, const Array& scores, const at::Tensor& gate_bias,
                             const Choice& choice) {
  if (measures_) return;
  const ModelConfig& config = forward_.config;
  const int64_t rows = logits.rows;
  float* const score = reinterpret_cast<float*>(scores.memory);
  float* const ranked = gate_bias.defined() ? score + rows * config.num_experts : score;
  const cpu::ScoreRows score_rows = {reinterpret_cast<const float*>(logits.memory), score, config.num_experts,
                                     config.gate_score == GateScore::kSoftmax};
  cpu::ExpertChoice chosen = ChoiceOf(config);
  chosen.scores = ranked;
  chosen.experts = choice.experts;
  cpu::ExpertWeights weights = WeightsOf(config);
  weights.scores = score;
  weights.experts = choice.experts;
  weights.weights = reinterpret_cast<float*>(choice.weights.memory);
  const auto route = [&](int64_t begin, int64_t end) {
    ActiveRowFunctions().scores(score_rows, begin, end);
    for (int64_t n = begin; n < end && ranked != score; ++n) {
      const cpu::AddRows biased = {score + n * config.num_experts, gate_bias.const_data_ptr(),
                                   ranked + n * config.num_experts, config.num_experts};
      ActiveRowFunctions().add(biased, 0, 1);
    }
    cpu::ChooseExperts(chosen, begin, end);
    cpu::WeighExperts(weights, begin, end);
  };
  if (rows > kFewTokens) {
    cpu::ParallelRanges(rows, 1, route);
    Await(waits_);
  }
  cpu::ParallelTasks(1, [&](int64_t) {
    if (rows <= kFewTokens) route(0, rows);
    cpu::SortByExpert(choice.order);
  });
}

// [N * K, D] float32, in the order of experts.
Array WorkspaceOps::RowsOfExperts(const Array& hidden, const Choice& choice) {
  Array rows = TakeArray(hidden.rows * choice.order.per_row, hidden.width, FloatType::kFloat32);
  const cpu::CopyRows copy = {.from = hidden.memory,
                              .from_type = hidden.type,
                              .from_stride = hidden.width,
                              .from_rows = choice.order.rows,
                              .to = rows.memory,
                              .to_stride = rows.width,
                              .width = rows.width};
  ForOwnRows(rows, [&](int64_t begin, int64_t end) { ActiveRowFunctions().copy(copy, begin, end); });
  return rows;
}

Array WorkspaceOps::GatedExperts(const Array& rows, const Choice& choice, const at::Tensor& gate_up) {
  AwaitWhole(rows);
  const Array both = TakeArray(rows.rows, gate_up.size(1), type_);
  const Array output = TakeArray(rows.rows, gate_up.size(1) / 2, type_);
  if (measures_) return output;
  thread_local std::vector<GatedProduct> products;  // kept: a decode step allocates nothing
  products.clear();
  ForChosenExperts(choice.order, [&](int64_t expert, int64_t start) {
    GatedProduct product = {ProductOf(rows, gate_up, expert, choice.order), RowOf(output, start)};
    product.gate_up.y = RowOf(both, start);
    product.gate_up.y_stride = both.width;
    products.push_back(product);
  });
  cpu::RunGatedProducts(products.data(), static_cast<int64_t>(products.size()), {type_, type_});
  return output;
}

Array WorkspaceOps::DownExperts(const Array& inner, const Choice& choice, const at::Tensor& down) {
  const Array floats = Floats(inner);
  const Array output = TakeArray(inner.rows, down.size(1), type_);
  if (measures_) return output;
  thread_local std::vector<DotProduct> products;  // kept: a decode step allocates nothing
  products.clear();
  ForChosenExperts(choice.order, [&](int64_t expert, int64_t start) {
    products.push_back(ProductOf(floats, down, expert, choice.order));
    products.back().y = RowOf(output, start);
    products.back().y_stride = output.width;
  });
  cpu::RunDotProducts(products.data(), static_cast<int64_t>(products.size()), {type_, type_});
  return output;
}

Array WorkspaceOps::Experts(const Array& hidden, const Choice& choice, const at::Tensor& expert_gate_up,
                            const at::Tensor& expert_down) {
  AwaitWhole(hidden);
  Await(choice.written);
  const Array inner = GatedExperts(RowsOfExperts(hidden, choice), choice, expert_gate_up);
  const Array outputs = DownExperts(inner, choice, expert_down);  // [N * K, D]
  AwaitWhole(outputs);
  Array sum = TakeArray(hidden.rows, hidden.width, type_);
  const cpu::CombineRows rows = {.outputs = outputs.memory,
                                 .places = choice.order.places,
                                 .weights = reinterpret_cast<const float*>(choice.weights.memory),
                                 .y = sum.memory,
                                 .width = sum.width,
                                 .per_row = choice.order.per_row,
                                 .type = type_};
  ForOwnRows(sum, [&](int64_t begin, int64_t end) { ActiveRowFunctions().combine(rows, begin, end); });
  return sum;
}

}  // namespace plumb
