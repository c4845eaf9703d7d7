#ifndef PLUMB_POLICY_KERNELS_CPU_ATTENTION_UNITS_H_
#define PLUMB_POLICY_KERNELS_CPU_ATTENTION_UNITS_H_

#include <cstdint>
#include <vector>

namespace plumb::cpu {

// Consecutive tokens of one sequence, and where its latents lie.
struct AttentionSpan {
  int64_t first_token = 0;  // in the packed batch
  int64_t num_tokens = 0;
  int64_t first_position = 0;
  int64_t first_block = 0;  // in AttentionUnits::block_rows
  int64_t num_blocks = 0;   // up to the last token's position

  int64_t last_position() const { return first_position + num_tokens - 1; }
};

// What one thread works on at a time: heads of the tokens of some spans. Its rows are ordered by span, token, head.
struct AttentionUnit {
  int64_t first_span = 0;  // in AttentionUnits::spans
  int64_t num_spans = 0;
  int64_t num_tokens = 0;  // of all spans
  int64_t first_head = 0;
  int64_t num_heads = 0;
  // Blocks that all spans read from the same place and see whole; all blocks where there is one span.
  int64_t shared_blocks = 0;
  int64_t num_blocks = 0;  // of the longest span

  int64_t num_rows() const { return num_tokens * num_heads; }
};

// One split of a unit's keys.
struct AttentionSplit {
  int64_t unit = 0;       // in AttentionUnits::units
  int64_t split = 0;      // blocks kBlocksPerSplit * split ...
  int64_t first_row = 0;  // where the rows' partial results lie among those of all splits
};

// A forward's attention on the CPU, cut into units. How it is cut changes no result.
struct AttentionUnits {
  std::vector<int64_t> block_rows;       // row of the latents [rows, W] where each block of 64 positions begins
  std::vector<AttentionSpan> sequences;  // whole
  std::vector<AttentionSpan> spans;      // parts of sequences
  std::vector<AttentionUnit> units;      // the longest first
  // Empty, or, where there are too few units for the threads, the splits of all units: each is worked for itself, and
  // then those of a unit are merged in order. Ordered by unit and split.
  std::vector<AttentionSplit> splits;
  std::vector<int64_t> first_split;  // [units + 1] in `splits`, where that is not empty
  int64_t max_rows = 0;              // of a unit
};

// Units over sequences whose blocks are listed in `block_rows`. Neighbours that decode one token and read the same
// first blocks come into one unit.
//   num_heads    H
//   num_threads  that there is to be work for
AttentionUnits MakeAttentionUnits(std::vector<AttentionSpan> sequences, std::vector<int64_t> block_rows,
                                  int64_t num_heads, int64_t num_threads);

// Cuts `units` anew, whose sequences and block rows are filled in; what else is in it is thrown away. Allocates nothing
// where it has been this large before.
void CutIntoUnits(AttentionUnits& units, int64_t num_heads, int64_t num_threads);

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ATTENTION_UNITS_H_
