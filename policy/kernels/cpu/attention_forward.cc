#include "policy/kernels/cpu/attention_forward.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "policy/kernels/cpu/numerics.h"
#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/scratch.h"

namespace plumb::cpu {
namespace {

struct ForwardCall {
  const AttentionInput& input;
  const AttentionUnits& units;
  void* output;
  float* logsumexp;
  const AttentionKernels& kernels;
  int64_t output_stride;  // Rkv, rounded up to whole registers
};

int64_t NumSplits(const AttentionUnit& unit) { return (unit.num_blocks + kBlocksPerSplit - 1) / kBlocksPerSplit; }

int64_t StateSize(const ForwardCall& call, int64_t rows) {
  return 2 * Scratch::Rounded(rows) + Scratch::Rounded(rows * call.output_stride);
}

SplitState TakeState(Scratch& scratch, const ForwardCall& call, int64_t rows) {
  SplitState state;
  state.maximum = scratch.Take(rows);
  state.sum = scratch.Take(rows);
  state.output = scratch.Take(rows * call.output_stride);
  return state;
}

// Writes a unit's results.
void Finish(const ForwardCall& call, const AttentionUnit& unit, const SplitState& state) {
  const AttentionInput& input = call.input;
  const int64_t first = call.units.spans[unit.first_span].first_token * input.num_heads + unit.first_head;
  for (int64_t row = 0; row < unit.num_rows(); ++row) {
    if (call.logsumexp != nullptr) {
      const int64_t place = first + row / unit.num_heads * input.num_heads + row % unit.num_heads;
      call.logsumexp[place] = state.maximum[row] + std::log(state.sum[row]);
    }
    state.sum[row] = 1.0f / state.sum[row];
  }
  const HeadRows to = {input.query_type,
                       input.num_heads * input.value_width,
                       static_cast<int>(unit.num_heads),
                       static_cast<int>(input.value_width),
                       0,
                       static_cast<int>(unit.num_rows())};
  call.kernels.write(state.output, call.output_stride, state.sum, to,
                     ElementAt(call.output, input.query_type, first * input.value_width));
}

// Rows of a unit, and their queries by lane in chunks.
struct RowSet {
  int64_t first;
  int64_t count;
  const float* queries;
};

// Works on one unit in its thread's scratch memory.
class UnitWorker {
 public:
  UnitWorker(const ForwardCall& call, const AttentionUnit& unit)
      : call_(call),
        unit_(unit),
        chunk_rows_(call.kernels.chunk_rows),
        scratch_(ScratchUse::kUnit, ScratchSize()),
        queries_(scratch_.Take(QueriesSize(unit.num_rows()))),
        own_queries_(scratch_.Take(QueriesSize(unit.num_heads))),
        scores_(scratch_.Take(kKeyBlock * kMaxChunkRows)),
        lanes_(scratch_.Take(kLaneArrays * kMaxChunkRows)),
        keys_(call.input, call.kernels, scratch_.Take(KeyBlocks::ScratchSize(call.input, call.kernels))) {
    std::fill(lanes_, lanes_ + kLaneArrays * kMaxChunkRows, 0.0f);
    Pack({0, unit.num_rows(), queries_}, queries_);
  }

  // All splits, one after the other.
  void Run() {
    const SplitState total = TakeState(scratch_, call_, unit_.num_rows());
    const SplitState next = TakeState(scratch_, call_, unit_.num_rows());
    WorkSplit(0, total);
    for (int64_t split = 1; split < NumSplits(unit_); ++split) {
      WorkSplit(split, next);
      call_.kernels.merge(total, next, static_cast<int>(unit_.num_rows()), call_.output_stride);
    }
    Finish(call_, unit_, total);
  }

  // One split alone.
  void WorkSplit(int64_t split, const SplitState& state) {
    const int64_t rows = unit_.num_rows();
    std::fill(state.maximum, state.maximum + rows, -std::numeric_limits<float>::max());
    std::fill(state.sum, state.sum + rows, 0.0f);
    std::fill(state.output, state.output + rows * call_.output_stride, 0.0f);
    const int64_t begin = split * kBlocksPerSplit;
    const int64_t end = std::min(begin + kBlocksPerSplit, unit_.num_blocks);
    for (int64_t block = begin; block < std::min(end, unit_.shared_blocks); ++block) {
      AttendRows(call_.units.spans[unit_.first_span], block, {0, rows, queries_}, state);
    }
    if (unit_.num_spans == 1) return;
    for (int64_t index = 0; index < unit_.num_spans; ++index) {
      const AttentionSpan& span = call_.units.spans[unit_.first_span + index];
      const RowSet own = {index * unit_.num_heads, unit_.num_heads, own_queries_};
      const int64_t first = std::max(begin, unit_.shared_blocks);
      if (first < std::min(end, span.num_blocks)) Pack(own, own_queries_);
      for (int64_t block = first; block < std::min(end, span.num_blocks); ++block) AttendRows(span, block, own, state);
    }
  }

 private:
  static constexpr int64_t kLaneArrays = 4;  // maximum, sum, factors, limits

  int64_t QueriesSize(int64_t rows) const {
    return (rows + chunk_rows_ - 1) / chunk_rows_ * call_.input.width * kMaxChunkRows;
  }

  int64_t ScratchSize() const {
    return QueriesSize(unit_.num_rows()) + QueriesSize(unit_.num_heads) +
           Scratch::Rounded(KeyBlocks::ScratchSize(call_.input, call_.kernels)) +
           (kKeyBlock + kLaneArrays) * kMaxChunkRows + 2 * StateSize(call_, unit_.num_rows());
  }

  void Pack(const RowSet& rows, float* to) {
    const AttentionInput& input = call_.input;
    const int64_t place = call_.units.spans[unit_.first_span].first_token * input.num_heads + unit_.first_head;
    const void* from = ElementAt(input.queries, input.query_type, place * input.width);
    HeadRows part = {input.query_type, input.num_heads * input.width, static_cast<int>(unit_.num_heads),
                     static_cast<int>(input.width)};
    for (int64_t row = 0; row < rows.count; row += chunk_rows_) {
      part.begin = static_cast<int>(rows.first + row);
      part.count = static_cast<int>(std::min(rows.count - row, chunk_rows_));
      call_.kernels.pack_by_lane(from, part, input.scale, to);
      to += input.width * kMaxChunkRows;
    }
  }

  // One block for some rows. These are of `span`, or of several spans, the first of which is `span`: all of them see
  // the block whole then.
  void AttendRows(const AttentionSpan& span, int64_t block, const RowSet& rows, const SplitState& state) {
    const bool one_span = span.num_tokens * unit_.num_heads == rows.count;
    const float* queries = rows.queries;
    keys_.Load(call_.units, span, block);
    for (int64_t row = 0; row < rows.count; row += chunk_rows_) {
      const ChunkRows chunk = {row, std::min(rows.count - row, chunk_rows_)};
      KeyBlock seen = one_span ? SeenBy(keys_.whole(), block, span, unit_.num_heads, chunk, limits()) : keys_.whole();
      if (row > 0) seen.to_next = 0;  // the first chunk has asked for it
      if (seen.num_keys > 0) AttendChunk(seen, {rows.first + row, chunk.count, queries}, state);
      queries += call_.input.width * kMaxChunkRows;
    }
  }

  void AttendChunk(const KeyBlock& block, const RowSet& rows, const SplitState& state) {
    const size_t bytes = rows.count * sizeof(float);
    RowChunk chunk;
    chunk.rows = static_cast<int>(rows.count);
    chunk.queries = rows.queries;
    chunk.maximum = lanes_;
    chunk.sum = lanes_ + kMaxChunkRows;
    chunk.factors = lanes_ + 2 * kMaxChunkRows;
    chunk.limits = limits();
    chunk.scores = scores_;
    chunk.output = state.output + rows.first * call_.output_stride;
    chunk.output_stride = call_.output_stride;
    // By way of whole lanes: the next rows' numbers may lie in the same register.
    std::memcpy(chunk.maximum, state.maximum + rows.first, bytes);
    std::memcpy(chunk.sum, state.sum + rows.first, bytes);
    call_.kernels.attend(block, chunk);
    std::memcpy(state.maximum + rows.first, chunk.maximum, bytes);
    std::memcpy(state.sum + rows.first, chunk.sum, bytes);
  }

  float* limits() { return lanes_ + 3 * kMaxChunkRows; }

  const ForwardCall& call_;
  const AttentionUnit& unit_;
  const int64_t chunk_rows_;
  Scratch scratch_;
  float* const queries_;      // of all rows
  float* const own_queries_;  // of one span's rows
  float* const scores_;
  float* const lanes_;
  KeyBlocks keys_;
};

SplitState StateOf(const AttentionSplit& split, const SplitState& all, int64_t output_stride) {
  return {all.maximum + split.first_row, all.sum + split.first_row, all.output + split.first_row * output_stride};
}

// Threads share the splits; each unit's are merged in their order when all are there.
void RunSplits(const ForwardCall& call) {
  const AttentionUnits& units = call.units;
  const AttentionSplit& last = units.splits.back();
  const int64_t rows = last.first_row + units.units[last.unit].num_rows();
  // Threads that run together work in the first one's memory.
  Scratch own(ScratchUse::kCall, StateSize(call, rows));
  Scratch scratch(static_cast<float*>(FirstThreads(own.Take(StateSize(call, rows)))), StateSize(call, rows));
  const SplitState all = TakeState(scratch, call, rows);
  ParallelTasks(static_cast<int64_t>(units.splits.size()), [&](int64_t index) {
    const AttentionSplit& split = units.splits[index];
    UnitWorker(call, units.units[split.unit]).WorkSplit(split.split, StateOf(split, all, call.output_stride));
  });
  WaitForOthers();
  ParallelTasks(static_cast<int64_t>(units.units.size()), [&](int64_t index) {
    const AttentionUnit& unit = units.units[index];
    const AttentionSplit* split = &units.splits[units.first_split[index]];
    const SplitState total = StateOf(*split, all, call.output_stride);
    for (int64_t next = 1; next < NumSplits(unit); ++next) {
      call.kernels.merge(total, StateOf(split[next], all, call.output_stride), static_cast<int>(unit.num_rows()),
                         call.output_stride);
    }
    Finish(call, unit, total);
  });
}

}  // namespace

void RunAttention(const AttentionInput& input, const AttentionUnits& units, void* output, float* logsumexp) {
  const AttentionKernels& kernels = ActiveAttentionKernels();
  const ForwardCall call = {input, units, output, logsumexp, kernels, RoundedToLanes(kernels, input.value_width)};
  if (!units.splits.empty()) {
    RunSplits(call);
    return;
  }
  ParallelTasks(static_cast<int64_t>(units.units.size()),
                [&](int64_t index) { UnitWorker(call, units.units[index]).Run(); });
}

}  // namespace plumb::cpu
