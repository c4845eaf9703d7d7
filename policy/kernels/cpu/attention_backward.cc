#include "policy/kernels/cpu/attention_backward.h"

#include <algorithm>

#include "policy/kernels/cpu/key_blocks.h"
#include "policy/kernels/cpu/numerics.h"
#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/scratch.h"

namespace plumb::cpu {
namespace {

struct BackwardCall {
  const HeadAttention& attention;
  const HeadGradients& gradients;
  const AttentionKernels& kernels;
  int64_t key_stride;
  int64_t value_stride;
};

// Works on one head of one sequence, in its thread's scratch memory.
class HeadWorker {
 public:
  HeadWorker(const BackwardCall& call, const AttentionSpan& sequence, int64_t head)
      : call_(call), sequence_(sequence), head_(head), scratch_(ScratchUse::kUnit, ScratchSize()) {
    queries_by_lane_ = scratch_.Take(call.attention.width * kMaxChunkRows);
    upstream_by_lane_ = scratch_.Take(call.attention.value_width * kMaxChunkRows);
    queries_ = scratch_.Take(kMaxChunkRows * call.key_stride);
    query_gradient_ = scratch_.Take(kMaxChunkRows * call.key_stride);
    upstream_ = scratch_.Take(kMaxChunkRows * call.value_stride);
    output_ = scratch_.Take(kMaxChunkRows * call.value_stride);
    lanes_ = scratch_.Take((kLaneArrays + 2 * kKeyBlock) * kMaxChunkRows);
    key_gradient_ = scratch_.Take(sequence.num_tokens * call.key_stride);
    value_gradient_ = scratch_.Take(sequence.num_tokens * call.value_stride);
    std::fill(lanes_, lanes_ + kLaneArrays * kMaxChunkRows, 0.0f);
  }

  void Run() {
    std::fill(key_gradient_, key_gradient_ + sequence_.num_tokens * call_.key_stride, 0.0f);
    std::fill(value_gradient_, value_gradient_ + sequence_.num_tokens * call_.value_stride, 0.0f);
    for (int64_t first = 0; first < sequence_.num_tokens; first += call_.kernels.chunk_rows) {
      RunChunk({first, std::min<int64_t>(sequence_.num_tokens - first, call_.kernels.chunk_rows)});
    }
    const HeadAttention& attention = call_.attention;
    const int64_t own = attention.own_width, both = own + attention.value_width, shared = attention.width - own;
    WriteFloats(key_gradient_, call_.key_stride, own, call_.gradients.keys_values, both);
    WriteFloats(value_gradient_, call_.value_stride, attention.value_width, call_.gradients.keys_values + own, both);
    WriteFloats(key_gradient_ + own, call_.key_stride, shared, call_.gradients.shared, shared);
  }

 private:
  static constexpr int64_t kLaneArrays = 3;  // limits, logsumexp, delta

  int64_t ScratchSize() const {
    const HeadAttention& attention = call_.attention;
    const int64_t by_lane = attention.width + attention.value_width + kLaneArrays + 2 * kKeyBlock;
    const int64_t by_row = 2 * call_.key_stride + 2 * call_.value_stride;
    return (by_lane + by_row) * kMaxChunkRows + Scratch::Rounded(sequence_.num_tokens * call_.key_stride) +
           Scratch::Rounded(sequence_.num_tokens * call_.value_stride);
  }

  void RunChunk(const ChunkRows& rows) {
    const GradientChunk chunk = LoadChunk(rows);
    for (int64_t block = 0; block < sequence_.num_blocks; ++block) {
      const KeyBlock seen = SeenBy(WholeBlock(block), block, sequence_, /*num_heads=*/1, rows, limits());
      if (seen.num_keys == 0) break;
      GradientChunk with_keys = chunk;
      with_keys.key_gradient = key_gradient_ + block * kKeyBlock * call_.key_stride;
      with_keys.value_gradient = value_gradient_ + block * kKeyBlock * call_.value_stride;
      call_.kernels.gradients(seen, with_keys);
    }
    const HeadRows to = RowsOf(rows, call_.attention.width, call_.attention.type);
    call_.kernels.write(query_gradient_, call_.key_stride, nullptr, to,
                        ElementAt(call_.gradients.queries, to.type, FirstRow() * to.width));
  }

  KeyBlock WholeBlock(int64_t block) const {
    const HeadAttention& attention = call_.attention;
    const int64_t row = head_ * attention.num_tokens + sequence_.first_token + block * kKeyBlock;
    KeyBlock keys;
    keys.keys = attention.keys + row * attention.width;
    keys.values = attention.values + row * attention.value_width;
    keys.stride = attention.width;
    keys.value_stride = attention.value_width;
    keys.num_keys = static_cast<int>(std::min(kKeyBlock, sequence_.num_tokens - block * kKeyBlock));
    keys.width = static_cast<int>(attention.width);
    keys.value_width = static_cast<int>(attention.value_width);
    return keys;
  }

  // The row [N, H] of the sequence's first token and this head.
  int64_t FirstRow() const { return sequence_.first_token * call_.attention.num_heads + head_; }

  HeadRows RowsOf(const ChunkRows& rows, int64_t width, FloatType type) const {
    return {type,
            call_.attention.num_heads * width,
            1,
            static_cast<int>(width),
            static_cast<int>(rows.first),
            static_cast<int>(rows.count)};
  }

  // Rows of this head's tokens into an array [N, H, to_width], whose first `width` numbers `to` points to.
  void WriteFloats(const float* from, int64_t stride, int64_t width, float* to, int64_t to_width) const {
    const HeadRows rows = {FloatType::kFloat32,
                           call_.attention.num_heads * to_width,
                           1,
                           static_cast<int>(width),
                           0,
                           static_cast<int>(sequence_.num_tokens)};
    call_.kernels.write(from, stride, nullptr, rows, to + FirstRow() * to_width);
  }

  GradientChunk LoadChunk(const ChunkRows& rows) {
    const HeadAttention& attention = call_.attention;
    const HeadRows wide = RowsOf(rows, attention.width, attention.type);
    const HeadRows narrow = RowsOf(rows, attention.value_width, attention.type);
    const void* queries = ElementAt(attention.queries, attention.type, FirstRow() * attention.width);
    const int64_t place = FirstRow() * attention.value_width;
    const void* upstream = ElementAt(call_.gradients.upstream, attention.type, place);
    call_.kernels.pack_by_lane(queries, wide, attention.scale, queries_by_lane_);
    call_.kernels.pack_by_lane(upstream, narrow, 1.0f, upstream_by_lane_);
    call_.kernels.widen(queries, wide, queries_, call_.key_stride);
    call_.kernels.widen(upstream, narrow, upstream_, call_.value_stride);
    call_.kernels.widen(ElementAt(call_.gradients.output, attention.type, place), narrow, output_, call_.value_stride);
    for (int64_t row = 0; row < rows.count; ++row) LoadLane(row, rows.first + row);
    std::fill(query_gradient_, query_gradient_ + rows.count * call_.key_stride, 0.0f);

    GradientChunk chunk;
    chunk.queries_by_lane = queries_by_lane_;
    chunk.upstream_by_lane = upstream_by_lane_;
    chunk.queries = queries_;
    chunk.upstream = upstream_;
    chunk.limits = limits();
    chunk.logsumexp = logsumexp();
    chunk.delta = delta();
    chunk.rows = static_cast<int>(rows.count);
    chunk.scale = attention.scale;
    chunk.probabilities = lanes_ + kLaneArrays * kMaxChunkRows;
    chunk.scores = chunk.probabilities + kKeyBlock * kMaxChunkRows;
    chunk.query_gradient = query_gradient_;
    chunk.key_stride = call_.key_stride;
    chunk.value_stride = call_.value_stride;
    return chunk;
  }

  // What a row needs besides its vectors: `row` of the chunk, `token` of the sequence.
  void LoadLane(int64_t row, int64_t token) {
    logsumexp()[row] = call_.gradients.logsumexp[FirstRow() + token * call_.attention.num_heads];
    const float* upstream = upstream_ + row * call_.value_stride;
    const float* output = output_ + row * call_.value_stride;
    float sum = 0.0f;
    for (int64_t i = 0; i < call_.attention.value_width; ++i) sum += upstream[i] * output[i];
    delta()[row] = sum;
  }

  float* limits() { return lanes_; }
  float* logsumexp() { return lanes_ + kMaxChunkRows; }
  float* delta() { return lanes_ + 2 * kMaxChunkRows; }

  const BackwardCall& call_;
  const AttentionSpan& sequence_;
  const int64_t head_;
  Scratch scratch_;
  float* queries_by_lane_;
  float* upstream_by_lane_;
  float* queries_;         // [rows, key stride]
  float* query_gradient_;  // [rows, key stride]
  float* upstream_;        // [rows, value stride]
  float* output_;          // [rows, value stride]
  float* lanes_;
  float* key_gradient_;    // [tokens, key stride]
  float* value_gradient_;  // [tokens, value stride]
};

}  // namespace

void RunAttentionBackward(const HeadAttention& attention, const AttentionUnits& units, const HeadGradients& gradients) {
  const AttentionKernels& kernels = ActiveAttentionKernels();
  const BackwardCall call = {attention, gradients, kernels, RoundedToLanes(kernels, attention.width),
                             RoundedToLanes(kernels, attention.value_width)};
  const int64_t num_sequences = static_cast<int64_t>(units.sequences.size());
  ParallelTasks(num_sequences * attention.num_heads, [&](int64_t task) {
    HeadWorker(call, units.sequences[task / attention.num_heads], task % attention.num_heads).Run();
  });
}

}  // namespace plumb::cpu
