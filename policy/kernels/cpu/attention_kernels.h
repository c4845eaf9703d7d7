#ifndef PLUMB_POLICY_KERNELS_CPU_ATTENTION_KERNELS_H_
#define PLUMB_POLICY_KERNELS_CPU_ATTENTION_KERNELS_H_

#include <cstdint>

#include "policy/kernels/cpu/float_type.h"
#include "policy/kernels/cpu/isa.h"

// What attention is made of on the CPU, compiled once for each instruction-set class. A query row is one head of one
// token. Rows are worked in chunks; inside a chunk the products over the width have one row per lane, so that nothing
// is ever added across lanes, and a row's numbers do not depend on the rows beside it. The order of all sums is in
// policy/kernels/cpu/numerics.h.
namespace plumb::cpu {

// Rows that a class takes at a time are at most this many; arrays "by lane" have as many columns in both classes.
inline constexpr int kMaxChunkRows = 32;

// Rows begin ... begin + count - 1 among `num_heads` rows of each token of a packed tensor [tokens, heads, width]. A
// pointer to the first of these heads in token 0 goes with it.
struct HeadRows {
  FloatType type = FloatType::kFloat32;
  int64_t token_stride = 0;  // elements from one token to the next
  int num_heads = 0;         // they lie side by side
  int width = 0;
  int begin = 0;
  int count = 0;
};

// The keys and values of one block as float32, and which of them each row of a chunk sees.
struct KeyBlock {
  const float* keys = nullptr;    // [num_keys, stride]
  const float* values = nullptr;  // [num_keys, value_stride]; of a latent, the key's first numbers
  int64_t stride = 0;
  int64_t value_stride = 0;
  int num_keys = 0;     // at most kKeyBlock
  int width = 0;        // of a key
  int value_width = 0;  // of a value
  bool masked = false;  // some row sees less than all keys
  // Numbers from these keys to those of the block that comes next, which are brought near meanwhile; 0: none comes.
  int64_t to_next = 0;
};

// One chunk of rows and its running softmax.
struct RowChunk {
  const float* queries = nullptr;  // by lane: [width][kMaxChunkRows], scaled
  const float* limits = nullptr;   // by lane: last key of the block that the row sees; below 0: none
  int rows = 0;
  float* scores = nullptr;   // scratch by lane: [kKeyBlock][kMaxChunkRows]
  float* factors = nullptr;  // scratch by lane
  float* maximum = nullptr;  // by lane
  float* sum = nullptr;      // by lane
  float* output = nullptr;   // [rows, output_stride]
  int64_t output_stride = 0;
};

// The same for the gradients.
struct GradientChunk {
  const float* queries_by_lane = nullptr;   // [width][kMaxChunkRows], scaled
  const float* upstream_by_lane = nullptr;  // [value width][kMaxChunkRows]
  const float* queries = nullptr;           // [rows, key stride], not scaled
  const float* upstream = nullptr;          // [rows, value stride]
  const float* limits = nullptr;            // by lane, as above
  const float* logsumexp = nullptr;         // by lane
  const float* delta = nullptr;             // by lane: upstream times output
  int rows = 0;
  float scale = 0.0f;
  float* probabilities = nullptr;   // scratch by lane: [kKeyBlock][kMaxChunkRows]
  float* scores = nullptr;          // scratch by lane: [kKeyBlock][kMaxChunkRows]
  float* query_gradient = nullptr;  // [rows, key stride], added to
  float* key_gradient = nullptr;    // [num_keys, key stride], added to
  float* value_gradient = nullptr;  // [num_keys, value stride], added to
  int64_t key_stride = 0;           // width, rounded up to whole registers
  int64_t value_stride = 0;         // value width, likewise
};

// State of rows in splits: maximum and sum by row, output [rows, output_stride].
struct SplitState {
  float* maximum = nullptr;
  float* sum = nullptr;
  float* output = nullptr;
};

// y[i] = sum over k of a[i, k] b[k], for rows b[k] whose columns lie side by side.
struct WeightedSum {
  const float* a = nullptr;
  int64_t row_stride = 0;    // from a[i, k] to a[i + 1, k]
  int64_t inner_stride = 0;  // from a[i, k] to a[i, k + 1]
  int64_t inner = 0;         // count of k
  const float* b = nullptr;  // [inner, b_stride]
  int64_t b_stride = 0;
  float* y = nullptr;  // [rows, y_stride]
  int64_t y_stride = 0;
  int rows = 0;
  int columns = 0;
  const float* factors = nullptr;  // by row: y is multiplied by it first
  bool from_zero = false;          // y's old value is not read
};

struct AttentionKernels {
  // Rows of a chunk: two registers.
  int chunk_rows;
  int lanes;  // numbers in a register; strides of float32 scratch are multiples of it
  // Writes a chunk's rows by lane, [width][kMaxChunkRows], times `scale`; lanes without a row are zero.
  void (*pack_by_lane)(const void* from, const HeadRows& rows, float scale, float* to);
  // Copies rows as float32, `stride` apart; what is between width and stride is zero.
  void (*widen)(const void* from, const HeadRows& rows, float* to, int64_t stride);
  // Takes a block into the chunk's running softmax.
  void (*attend)(const KeyBlock& block, const RowChunk& chunk);
  // Merges the next split into the total of those before it.
  void (*merge)(const SplitState& total, const SplitState& next, int rows, int64_t output_stride);
  // Writes rows that are `stride` apart, times their factors, into a tensor in the order and type of `rows`.
  void (*write)(const float* from, int64_t stride, const float* factors, const HeadRows& rows, void* to);
  // Adds a block's part to the gradients of the chunk's rows and of the block's keys and values.
  void (*gradients)(const KeyBlock& block, const GradientChunk& chunk);
  // The product of which attention and its gradients are made.
  void (*weighted_sum)(const WeightedSum& product);
};

extern const AttentionKernels kAttentionKernelsAvx2;
extern const AttentionKernels kAttentionKernelsAvx512;

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ATTENTION_KERNELS_H_
