#include "policy/kernels/cpu/attention_units.h"

#include <algorithm>
#include <tuple>

#include "policy/kernels/cpu/numerics.h"

namespace plumb::cpu {
namespace {

// Enough rows to read a block of keys seldom, few enough for their state to stay in the core's own cache.
constexpr int64_t kMaxRows = 64;
// Below it a unit's rows do not fill the registers.
constexpr int64_t kMinRows = 8;
constexpr int64_t kUnitsPerThread = 2;

struct UnitShape {
  int64_t heads = 0;   // of one token
  int64_t tokens = 0;  // at most
};

int64_t MostSplits(const AttentionUnits& units) {
  int64_t blocks = 0;
  for (const AttentionSpan& sequence : units.sequences) blocks = std::max(blocks, sequence.num_blocks);
  return (blocks + kBlocksPerSplit - 1) / kBlocksPerSplit;
}

UnitShape ShapeOf(const AttentionUnits& units, int64_t num_heads, int64_t num_threads) {
  int64_t tokens = 0;
  for (const AttentionSpan& sequence : units.sequences) tokens += sequence.num_tokens;
  const int64_t wanted = kUnitsPerThread * num_threads;
  // Long contexts have splits to share; their keys should be read by as few units as can be.
  const bool long_context = MostSplits(units) >= wanted;
  const int64_t rows =
      long_context || num_threads == 1 ? kMaxRows : std::clamp(tokens * num_heads / wanted, kMinRows, kMaxRows);
  UnitShape shape;
  const int64_t groups = (num_heads + rows - 1) / rows;
  shape.heads = (num_heads + groups - 1) / groups;
  if (groups > 1) shape.heads = std::min(num_heads, (shape.heads + kMinRows - 1) / kMinRows * kMinRows);
  shape.tokens = std::max<int64_t>(1, rows / shape.heads);
  return shape;
}

// How many blocks, from the first on, both read from the same place and see whole.
int64_t SharedBlocks(const AttentionUnits& units, const AttentionSpan& a, const AttentionSpan& b, int64_t at_most) {
  const int64_t whole = std::min(a.first_position + 1, b.first_position + 1) / kKeyBlock;
  int64_t shared = 0;
  while (shared < std::min(at_most, whole) &&
         units.block_rows[a.first_block + shared] == units.block_rows[b.first_block + shared]) {
    ++shared;
  }
  return shared;
}

// How many sequences from `first` on come into one unit; `shared` becomes the number of blocks that they share.
int64_t GroupSize(const AttentionUnits& units, size_t first, int64_t most, int64_t& shared) {
  const AttentionSpan& leader = units.sequences[first];
  shared = leader.num_blocks;
  if (leader.num_tokens > 1) return 1;
  int64_t size = 1;
  while (size < most && first + size < units.sequences.size()) {
    const AttentionSpan& next = units.sequences[first + size];
    if (next.num_tokens > 1) break;
    const int64_t common = SharedBlocks(units, leader, next, shared);
    // A longer run of shared blocks is not given up for a member that has only few of them.
    if (common == 0 || (size > 1 && 2 * common < shared)) break;
    shared = common;
    ++size;
  }
  return size;
}

void AddUnits(AttentionUnits& units, AttentionUnit unit, int64_t num_heads, int64_t heads_per_unit) {
  for (int64_t head = 0; head < num_heads; head += heads_per_unit) {
    unit.first_head = head;
    unit.num_heads = std::min(heads_per_unit, num_heads - head);
    units.max_rows = std::max(units.max_rows, unit.num_rows());
    units.units.push_back(unit);
  }
}

void AddSplits(AttentionUnits& units) {
  int64_t row = 0;
  for (size_t index = 0; index < units.units.size(); ++index) {
    const AttentionUnit& unit = units.units[index];
    units.first_split.push_back(static_cast<int64_t>(units.splits.size()));
    for (int64_t split = 0; split * kBlocksPerSplit < unit.num_blocks; ++split) {
      units.splits.push_back({static_cast<int64_t>(index), split, row});
      row += unit.num_rows();
    }
  }
  units.first_split.push_back(static_cast<int64_t>(units.splits.size()));
}

// Part of a sequence: tokens begin ... begin + count - 1 of it.
AttentionSpan PartOf(const AttentionSpan& sequence, int64_t begin, int64_t count) {
  AttentionSpan part = sequence;
  part.first_token += begin;
  part.first_position += begin;
  part.num_tokens = count;
  part.num_blocks = part.last_position() / kKeyBlock + 1;
  return part;
}

}  // namespace

AttentionUnits MakeAttentionUnits(std::vector<AttentionSpan> sequences, std::vector<int64_t> block_rows,
                                  int64_t num_heads, int64_t num_threads) {
  AttentionUnits units;
  units.sequences = std::move(sequences);
  units.block_rows = std::move(block_rows);
  CutIntoUnits(units, num_heads, num_threads);
  return units;
}

void CutIntoUnits(AttentionUnits& units, int64_t num_heads, int64_t num_threads) {
  units.spans.clear();
  units.units.clear();
  units.splits.clear();
  units.first_split.clear();
  units.max_rows = 0;
  const UnitShape shape = ShapeOf(units, num_heads, num_threads);
  for (size_t first = 0; first < units.sequences.size();) {
    AttentionUnit unit;
    unit.num_spans = GroupSize(units, first, shape.tokens, unit.shared_blocks);
    if (unit.num_spans > 1) {
      unit.first_span = static_cast<int64_t>(units.spans.size());
      unit.num_tokens = unit.num_spans;
      for (int64_t i = 0; i < unit.num_spans; ++i) {
        units.spans.push_back(units.sequences[first + i]);
        unit.num_blocks = std::max(unit.num_blocks, units.spans.back().num_blocks);
      }
      AddUnits(units, unit, num_heads, shape.heads);
      first += unit.num_spans;
      continue;
    }
    const AttentionSpan& sequence = units.sequences[first++];
    for (int64_t begin = 0; begin < sequence.num_tokens; begin += shape.tokens) {
      units.spans.push_back(PartOf(sequence, begin, std::min(shape.tokens, sequence.num_tokens - begin)));
      unit.first_span = static_cast<int64_t>(units.spans.size()) - 1;
      unit.num_tokens = units.spans.back().num_tokens;
      unit.num_blocks = unit.shared_blocks = units.spans.back().num_blocks;
      AddUnits(units, unit, num_heads, shape.heads);
    }
  }
  std::sort(units.units.begin(), units.units.end(), [](const AttentionUnit& a, const AttentionUnit& b) {
    return std::make_tuple(-a.num_blocks * a.num_rows(), a.first_span, a.first_head) <
           std::make_tuple(-b.num_blocks * b.num_rows(), b.first_span, b.first_head);
  });
  const bool few = static_cast<int64_t>(units.units.size()) < kUnitsPerThread * num_threads;
  if (num_threads > 1 && few && MostSplits(units) > 1) AddSplits(units);
}

}  // namespace plumb::cpu
