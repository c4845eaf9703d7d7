#ifndef PLUMB_POLICY_KERNELS_CPU_ROW_FUNCTIONS_H_
#define PLUMB_POLICY_KERNELS_CPU_ROW_FUNCTIONS_H_

#include <cstdint>

#include "policy/kernels/cpu/float_type.h"

// What works on one row at a time, in float32. Each function runs rows begin ... end - 1 in the caller's thread. Rows
// lie side by side unless a stride in elements is given.
namespace plumb::cpu {

// y = weight * cast(x * scale) with scale = 1 / sqrt(mean(x^2) + epsilon); the mean by the dot-product rule.
struct RmsNormRows {
  const void* x = nullptr;  // [N, D] of `type`
  int64_t x_stride = 0;
  const void* weight = nullptr;  // [D] of `type`
  void* y = nullptr;             // [N, D] of `type`
  int64_t y_stride = 0;
  float* scales = nullptr;  // [N], or null
  int64_t width = 0;        // D
  float epsilon = 0;
  FloatType type = FloatType::kFloat32;
};

// dx = scale * (w g - n * mean(w g n)) with n = scale * x; `normal` receives g * n, whose sum over the rows is the
// gradient of the weight.
struct RmsNormGradientRows {
  const float* gradient = nullptr;  // [N, D]
  const float* x = nullptr;         // [N, D]
  int64_t x_stride = 0;
  const float* weight = nullptr;  // [D]
  const float* scales = nullptr;  // [N]
  float* dx = nullptr;            // [N, D]
  float* normal = nullptr;        // [N, D]
  int64_t width = 0;              // D
};

// y = silu(gate) * up, rounded once.
struct SwigluRows {
  const void* gate = nullptr;  // of `type`
  const void* up = nullptr;    // of `type`
  int64_t x_stride = 0;        // of gate and up
  void* y = nullptr;           // of `type`
  int64_t y_stride = 0;
  int64_t width = 0;
  FloatType type = FloatType::kFloat32;
};

// Rotates the pairs of each head by the angles of its token. Pairs are elements (2i, 2i + 1) where they are
// interleaved, else (i, i + pairs).
struct RopeRows {
  const void* x = nullptr;  // [N, H, 2 * pairs] of `type`
  int64_t x_stride = 0;     // from one token to the next
  int64_t x_head_stride = 0;
  void* y = nullptr;  // [N, H, 2 * pairs] of `type`
  int64_t y_stride = 0;
  int64_t y_head_stride = 0;
  int64_t heads = 0;  // H
  int64_t pairs = 0;
  const float* cosines = nullptr;  // [N, pairs]
  const float* sines = nullptr;    // [N, pairs]
  bool interleaved = true;
  FloatType type = FloatType::kFloat32;
};

// Row n of `to` becomes row n of `from`, or those that the lists name.
struct CopyRows {
  const void* from = nullptr;
  FloatType from_type = FloatType::kFloat32;
  int64_t from_stride = 0;
  const int64_t* from_rows = nullptr;  // [N], or null
  void* to = nullptr;
  FloatType to_type = FloatType::kFloat32;
  int64_t to_stride = 0;
  const int64_t* to_rows = nullptr;  // [N], or null
  int64_t width = 0;
};

// y = a + b, rounded once.
struct AddRows {
  const void* a = nullptr;  // [N, D] of `type`
  const void* b = nullptr;  // [N, D] of `type`
  void* y = nullptr;        // [N, D] of `type`
  int64_t width = 0;        // D
  FloatType type = FloatType::kFloat32;
};

struct SwigluGradientRows {
  const float* gradient = nullptr;  // [N, I]
  const float* gate_up = nullptr;   // [N, 2 * I]
  float* d_gate_up = nullptr;       // [N, 2 * I]
  int64_t width = 0;                // I
};

// Softmax, or the sigmoid of each element.
struct ScoreRows {
  const float* logits = nullptr;  // [N, E]
  float* scores = nullptr;        // [N, E]
  int64_t width = 0;              // E
  bool softmax = false;
};

// y[n] = sum over k ascending of weights[n, k] * outputs[places[n, k]]: a product, then a sum, rounded at the end.
struct CombineRows {
  const void* outputs = nullptr;    // [L, D] of `type`
  const int64_t* places = nullptr;  // [N, K]
  const float* weights = nullptr;   // [N, K]
  void* y = nullptr;                // [N, D] of `type`
  int64_t width = 0;                // D
  int64_t per_row = 0;              // K
  FloatType type = FloatType::kFloat32;
};

// Its gradients: d_outputs[places[n, k]] = weights[n, k] * gradient[n], d_weights[n, k] = gradient[n] times the output.
struct CombineGradientRows {
  const float* gradient = nullptr;  // [N, D]
  const void* outputs = nullptr;    // [L, D] of `type`
  const int64_t* places = nullptr;  // [N, K]
  const float* weights = nullptr;   // [N, K]
  float* d_outputs = nullptr;       // [L, D]
  float* d_weights = nullptr;       // [N, K]
  int64_t width = 0;                // D
  int64_t per_row = 0;              // K
  FloatType type = FloatType::kFloat32;
};

// Of logits divided by the temperature, of one chunk of a row's vocabulary: the largest l, the sum of e^(l - largest),
// and that of (l - largest) e^(l - largest).
struct ChunkSums {
  float largest;
  float sum;
  float weighted;
};

// The sums of chunks of kVocabularyChunk columns, of consecutive rows.
struct VocabularyRows {
  const float* logits = nullptr;  // [N, stride]
  int64_t stride = 0;
  int64_t width = 0;  // columns; the last chunk may be short
  float temperature = 1;
  ChunkSums* sums = nullptr;  // [N, sums_stride], one for each chunk
  int64_t sums_stride = 0;
};

// gradient[n, v] = factors[n] * (1 where v is the target, else 0, less e^(l - log_sums[n])), l = logit / temperature.
struct LogitGradientRows {
  const float* logits = nullptr;  // [N, width]
  float* gradient = nullptr;      // [N, width], which may be the logits
  int64_t width = 0;
  float temperature = 1;
  const float* log_sums = nullptr;   // [N]
  const float* factors = nullptr;    // [N]
  const int64_t* targets = nullptr;  // [N] columns; outside of 0 ... width - 1 where the target lies elsewhere
};

struct RowFunctions {
  void (*rms_norm)(const RmsNormRows& rows, int64_t begin, int64_t end);
  void (*rms_norm_gradient)(const RmsNormGradientRows& rows, int64_t begin, int64_t end);
  void (*swiglu)(const SwigluRows& rows, int64_t begin, int64_t end);
  void (*rope)(const RopeRows& rows, int64_t begin, int64_t end);
  void (*copy)(const CopyRows& rows, int64_t begin, int64_t end);
  void (*add)(const AddRows& rows, int64_t begin, int64_t end);
  void (*swiglu_gradient)(const SwigluGradientRows& rows, int64_t begin, int64_t end);
  void (*scores)(const ScoreRows& rows, int64_t begin, int64_t end);
  void (*combine)(const CombineRows& rows, int64_t begin, int64_t end);
  void (*combine_gradient)(const CombineGradientRows& rows, int64_t begin, int64_t end);
  void (*chunk_sums)(const VocabularyRows& rows, int64_t begin, int64_t end);
  void (*logit_gradient)(const LogitGradientRows& rows, int64_t begin, int64_t end);
  bool (*all_finite)(const float* numbers, int64_t count);
};

extern const RowFunctions kRowFunctionsAvx2;
extern const RowFunctions kRowFunctionsAvx512;

// Those of the active class.
const RowFunctions& ActiveRowFunctions();

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ROW_FUNCTIONS_H_
