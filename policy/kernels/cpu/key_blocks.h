#ifndef PLUMB_POLICY_KERNELS_CPU_KEY_BLOCKS_H_
#define PLUMB_POLICY_KERNELS_CPU_KEY_BLOCKS_H_

#include <cstdint>

#include "policy/kernels/cpu/attention_kernels.h"
#include "policy/kernels/cpu/attention_units.h"

namespace plumb::cpu {

// Absorbed attention of N tokens. Arrays are dense.
struct AttentionInput {
  const void* queries = nullptr;  // [N, H, W] of type `query_type`
  FloatType query_type = FloatType::kFloat32;
  const void* latents = nullptr;  // [rows, W] of type `latent_type`
  FloatType latent_type = FloatType::kFloat32;
  int64_t num_heads = 0;    // H
  int64_t width = 0;        // W
  int64_t value_width = 0;  // Rkv, at most W
  float scale = 1.0f;
};

// The kernels of the class that runs in this process.
const AttentionKernels& ActiveAttentionKernels();

// The element `index` of an array.
const void* ElementAt(const void* array, FloatType type, int64_t index);
void* ElementAt(void* array, FloatType type, int64_t index);

// `count` rounded up to whole registers.
int64_t RoundedToLanes(const AttentionKernels& kernels, int64_t count);

// Rows first ... first + count - 1 of an attention unit or of a span, ordered by token and head.
struct ChunkRows {
  int64_t first = 0;
  int64_t count = 0;
};

// The keys of a whole block that a chunk of the span's rows sees: none where num_keys is 0.
//   num_heads  rows of each token
//   limits     by lane, written where the block is masked
KeyBlock SeenBy(const KeyBlock& whole, int64_t block, const AttentionSpan& span, int64_t num_heads,
                const ChunkRows& rows, float* limits);

// Reads the latents of one block after the other.
class KeyBlocks {
 public:
  //   scratch  ScratchSize() numbers
  KeyBlocks(const AttentionInput& input, const AttentionKernels& kernels, float* scratch);

  static int64_t ScratchSize(const AttentionInput& input, const AttentionKernels& kernels);

  // Brings the keys of a block as far as `span` sees them; where they lie as float32, they are read in place.
  void Load(const AttentionUnits& units, const AttentionSpan& span, int64_t block);

  // All loaded keys.
  const KeyBlock& whole() const { return keys_; }

 private:
  const AttentionInput& input_;
  const AttentionKernels& kernels_;
  float* const scratch_;
  KeyBlock keys_;
};

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_KEY_BLOCKS_H_
