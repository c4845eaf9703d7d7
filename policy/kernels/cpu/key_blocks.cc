#include "policy/kernels/cpu/key_blocks.h"

#include <algorithm>

#include "policy/kernels/cpu/numerics.h"

namespace plumb::cpu {
const AttentionKernels& ActiveAttentionKernels() {
  return ActiveIsa() == Isa::kAvx512 ? kAttentionKernelsAvx512 : kAttentionKernelsAvx2;
}

const void* ElementAt(const void* array, FloatType type, int64_t index) {
  return static_cast<const char*>(array) + index * BytesOf(type);
}

void* ElementAt(void* array, FloatType type, int64_t index) {
  return static_cast<char*>(array) + index * BytesOf(type);
}

int64_t RoundedToLanes(const AttentionKernels& kernels, int64_t count) {
  return (count + kernels.lanes - 1) / kernels.lanes * kernels.lanes;
}

KeyBlocks::KeyBlocks(const AttentionInput& input, const AttentionKernels& kernels, float* scratch)
    : input_(input), kernels_(kernels), scratch_(scratch) {
  keys_.width = static_cast<int>(input.width);
  keys_.value_width = static_cast<int>(input.value_width);
}

int64_t KeyBlocks::ScratchSize(const AttentionInput& input, const AttentionKernels& kernels) {
  return input.latent_type == FloatType::kFloat32 ? 0 : kKeyBlock * RoundedToLanes(kernels, input.width);
}

void KeyBlocks::Load(const AttentionUnits& units, const AttentionSpan& span, int64_t block) {
  keys_.num_keys = static_cast<int>(std::min(kKeyBlock, span.last_position() + 1 - block * kKeyBlock));
  const void* from =
      ElementAt(input_.latents, input_.latent_type, units.block_rows[span.first_block + block] * input_.width);
  if (input_.latent_type == FloatType::kFloat32) {
    keys_.keys = keys_.values = static_cast<const float*>(from);
    keys_.stride = keys_.value_stride = input_.width;
    const int64_t* row = &units.block_rows[span.first_block + block];
    keys_.to_next = block + 1 < span.num_blocks ? (row[1] - row[0]) * input_.width : 0;
    return;
  }
  keys_.keys = keys_.values = scratch_;
  keys_.stride = keys_.value_stride = RoundedToLanes(kernels_, input_.width);
  const HeadRows rows = {input_.latent_type, input_.width, 1, keys_.width, 0, keys_.num_keys};
  kernels_.widen(from, rows, scratch_, keys_.stride);
}

KeyBlock SeenBy(const KeyBlock& whole, int64_t block, const AttentionSpan& span, int64_t num_heads,
                const ChunkRows& rows, float* limits) {
  const int64_t origin = span.first_position - block * kKeyBlock;
  const int64_t lowest = origin + rows.first / num_heads;
  const int64_t highest = origin + (rows.first + rows.count - 1) / num_heads;
  KeyBlock seen = whole;
  seen.num_keys = static_cast<int>(std::clamp<int64_t>(highest + 1, 0, whole.num_keys));
  seen.masked = lowest + 1 < seen.num_keys;
  for (int64_t lane = 0; seen.masked && lane < rows.count; ++lane) {
    limits[lane] = static_cast<float>(origin + (rows.first + lane) / num_heads);
  }
  return seen;
}

}  // namespace plumb::cpu
