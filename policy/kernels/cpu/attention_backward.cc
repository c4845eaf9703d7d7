#include "policy/kernels/cpu/attention_backward.h"

#include <algorithm>

#include "policy/kernels/cpu/numerics.h"
#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/scratch.h"

namespace plumb::cpu {
namespace {

// A batch of few sequences is shared among threads by groups of heads, whose gradients of the latents are then added in
// order. The number of groups follows from the batch alone, so that the threads do not show in the sums.
constexpr int64_t kWantedItems = 8;
constexpr int64_t kMaxHeadGroups = 4;
// Tokens whose gradients one task adds and casts.
constexpr int64_t kTokensPerTask = 64;

struct BackwardCall {
  const AttentionInput& input;
  const AttentionUnits& units;
  const AttentionGradients& gradients;
  const AttentionKernels& kernels;
  int64_t num_tokens;
  int64_t head_groups;
  int64_t heads_per_group;
  int64_t key_stride;
  int64_t value_stride;
};

BackwardCall MakeCall(const AttentionInput& input, const AttentionUnits& units, const AttentionGradients& gradients) {
  const AttentionKernels& kernels = ActiveAttentionKernels();
  int64_t num_tokens = 0;
  for (const AttentionSpan& sequence : units.sequences) num_tokens += sequence.num_tokens;
  const int64_t sequences = std::max<int64_t>(1, static_cast<int64_t>(units.sequences.size()));
  const int64_t wanted = std::clamp<int64_t>(kWantedItems / sequences, 1, std::min(input.num_heads, kMaxHeadGroups));
  const int64_t heads = (input.num_heads + wanted - 1) / wanted;
  return {input,
          units,
          gradients,
          kernels,
          num_tokens,
          (input.num_heads + heads - 1) / heads,
          heads,
          RoundedToLanes(kernels, input.width),
          RoundedToLanes(kernels, input.value_width)};
}

// Works on some heads of one sequence, in its thread's scratch memory.
class SequenceWorker {
 public:
  SequenceWorker(const BackwardCall& call, const AttentionSpan& sequence, int64_t head_group)
      : call_(call),
        sequence_(sequence),
        first_head_(head_group * call.heads_per_group),
        num_heads_(std::min(call.heads_per_group, call.input.num_heads - first_head_)),
        scratch_(ScratchUse::kUnit, ScratchSize()),
        keys_(call.input, call.kernels, scratch_.Take(KeyBlocks::ScratchSize(call.input, call.kernels))) {
    queries_by_lane_ = scratch_.Take(call.input.width * kMaxChunkRows);
    upstream_by_lane_ = scratch_.Take(call.input.value_width * kMaxChunkRows);
    queries_ = scratch_.Take(kMaxChunkRows * call.key_stride);
    query_gradient_ = scratch_.Take(kMaxChunkRows * call.key_stride);
    upstream_ = scratch_.Take(kMaxChunkRows * call.value_stride);
    output_ = scratch_.Take(kMaxChunkRows * call.value_stride);
    lanes_ = scratch_.Take((kLaneArrays + 2 * kKeyBlock) * kMaxChunkRows);
    std::fill(lanes_, lanes_ + kLaneArrays * kMaxChunkRows, 0.0f);
  }

  //   key_gradient  [tokens of the sequence, key stride], written
  void Run(float* key_gradient) {
    std::fill(key_gradient, key_gradient + sequence_.num_tokens * call_.key_stride, 0.0f);
    const int64_t rows = sequence_.num_tokens * num_heads_;
    for (int64_t first = 0; first < rows; first += call_.kernels.chunk_rows) {
      const ChunkRows chunk = {first, std::min<int64_t>(rows - first, call_.kernels.chunk_rows)};
      const GradientChunk loaded = LoadChunk(chunk);
      for (int64_t block = 0; block < sequence_.num_blocks; ++block) {
        keys_.Load(call_.units, sequence_, block);
        const KeyBlock seen = keys_.SeenBy(sequence_, num_heads_, chunk, limits());
        if (seen.num_keys == 0) break;
        GradientChunk with_keys = loaded;
        with_keys.key_gradient = key_gradient + block * kKeyBlock * call_.key_stride;
        call_.kernels.gradients(seen, with_keys);
      }
      const HeadRows to = RowsOf(chunk, call_.input.width);
      call_.kernels.write(query_gradient_, call_.key_stride, nullptr, to,
                          ElementAt(call_.gradients.queries, to.type, FirstRow() * call_.input.width));
    }
  }

 private:
  static constexpr int64_t kLaneArrays = 3;  // limits, logsumexp, delta

  int64_t ScratchSize() const {
    const AttentionInput& input = call_.input;
    const int64_t by_lane = input.width + input.value_width + kLaneArrays + 2 * kKeyBlock;
    const int64_t by_row = 2 * call_.key_stride + 2 * call_.value_stride;
    return (by_lane + by_row) * kMaxChunkRows + Scratch::Rounded(KeyBlocks::ScratchSize(input, call_.kernels));
  }

  // The row [N, H] of the sequence's first token and this worker's first head.
  int64_t FirstRow() const { return sequence_.first_token * call_.input.num_heads + first_head_; }

  HeadRows RowsOf(const ChunkRows& chunk, int64_t width) const {
    return {call_.input.query_type,  call_.input.num_heads * width, static_cast<int>(num_heads_),
            static_cast<int>(width), static_cast<int>(chunk.first), static_cast<int>(chunk.count)};
  }

  GradientChunk LoadChunk(const ChunkRows& rows) {
    const AttentionInput& input = call_.input;
    const HeadRows wide = RowsOf(rows, input.width);
    const HeadRows narrow = RowsOf(rows, input.value_width);
    const void* queries = ElementAt(input.queries, input.query_type, FirstRow() * input.width);
    const int64_t place = FirstRow() * input.value_width;
    const void* upstream = ElementAt(call_.gradients.upstream, input.query_type, place);
    call_.kernels.pack_by_lane(queries, wide, input.scale, queries_by_lane_);
    call_.kernels.pack_by_lane(upstream, narrow, 1.0f, upstream_by_lane_);
    call_.kernels.widen(queries, wide, queries_, call_.key_stride);
    call_.kernels.widen(upstream, narrow, upstream_, call_.value_stride);
    call_.kernels.widen(ElementAt(call_.gradients.output, input.query_type, place), narrow, output_,
                        call_.value_stride);
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
    chunk.scale = input.scale;
    chunk.probabilities = lanes_ + kLaneArrays * kMaxChunkRows;
    chunk.scores = chunk.probabilities + kKeyBlock * kMaxChunkRows;
    chunk.query_gradient = query_gradient_;
    chunk.key_stride = call_.key_stride;
    chunk.value_stride = call_.value_stride;
    return chunk;
  }

  // What a row needs besides its vectors: `row` of the chunk, `place` of the sequence.
  void LoadLane(int64_t row, int64_t place) {
    const int64_t token = place / num_heads_;
    logsumexp()[row] = call_.gradients.logsumexp[FirstRow() + token * call_.input.num_heads + place % num_heads_];
    const float* upstream = upstream_ + row * call_.value_stride;
    const float* output = output_ + row * call_.value_stride;
    float sum = 0.0f;
    for (int64_t i = 0; i < call_.input.value_width; ++i) sum += upstream[i] * output[i];
    delta()[row] = sum;
  }

  float* limits() { return lanes_; }
  float* logsumexp() { return lanes_ + kMaxChunkRows; }
  float* delta() { return lanes_ + 2 * kMaxChunkRows; }

  const BackwardCall& call_;
  const AttentionSpan& sequence_;
  const int64_t first_head_;
  const int64_t num_heads_;
  Scratch scratch_;
  KeyBlocks keys_;
  float* queries_by_lane_;
  float* upstream_by_lane_;
  float* queries_;         // [rows, key stride]
  float* query_gradient_;  // [rows, key stride]
  float* upstream_;        // [rows, value stride]
  float* output_;          // [rows, value stride]
  float* lanes_;
};

// Adds the head groups' gradients of some tokens' latents, in order, into the first group's, and casts them.
void WriteLatents(const BackwardCall& call, float* gradients, int64_t first, int64_t count) {
  float* total = gradients + first * call.key_stride;
  for (int64_t group = 1; group < call.head_groups; ++group) {
    const float* next = total + group * call.num_tokens * call.key_stride;
    for (int64_t i = 0; i < count * call.key_stride; ++i) total[i] += next[i];
  }
  const HeadRows to = {call.input.latent_type, call.input.width, 1, static_cast<int>(call.input.width), 0,
                       static_cast<int>(count)};
  call.kernels.write(total, call.key_stride, nullptr, to,
                     ElementAt(call.gradients.latents, to.type, first * call.input.width));
}

}  // namespace

void RunAttentionBackward(const AttentionInput& input, const AttentionUnits& units,
                          const AttentionGradients& gradients) {
  const BackwardCall call = MakeCall(input, units, gradients);
  const int64_t group_size = call.num_tokens * call.key_stride;
  Scratch scratch(ScratchUse::kCall, call.head_groups * group_size);
  float* const key_gradients = scratch.Take(call.head_groups * group_size);
  const int64_t num_sequences = static_cast<int64_t>(units.sequences.size());
  ParallelTasks(num_sequences * call.head_groups, [&](int64_t task) {
    const AttentionSpan& sequence = units.sequences[task / call.head_groups];
    const int64_t group = task % call.head_groups;
    SequenceWorker worker(call, sequence, group);
    worker.Run(key_gradients + group * group_size + sequence.first_token * call.key_stride);
  });
  ParallelTasks((call.num_tokens + kTokensPerTask - 1) / kTokensPerTask, [&](int64_t task) {
    const int64_t first = task * kTokensPerTask;
    WriteLatents(call, key_gradients, first, std::min(kTokensPerTask, call.num_tokens - first));
  });
}

}  // namespace plumb::cpu
