#include "policy/kernels/padded_attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "policy/kv_cache.h"

namespace plumb {
namespace {

// A batch this small is never split: padding costs less than one more batch.
constexpr int64_t kSmallScores = int64_t{1} << 16;

using cpu::AttentionSpan;

int64_t NumKeys(const AttentionSpan& sequence) { return sequence.last_position() + 1; }

// Whether `next` would make a batch wasteful or too large that begins with `largest`, has `keys` at most and `count`
// sequences.
bool StartsNewBatch(const std::vector<AttentionSpan>& batch, const AttentionSpan& next, int64_t num_heads) {
  const int64_t count = static_cast<int64_t>(batch.size());
  const int64_t queries = batch[0].num_tokens;
  int64_t keys = NumKeys(next);
  for (const AttentionSpan& member : batch) keys = std::max(keys, NumKeys(member));
  const int64_t scores = count * queries * keys * num_heads;
  if (scores + scores / count > kMaxScores) return true;
  if (scores < kSmallScores) return false;
  const auto shrinks = [](int64_t now, int64_t then) { return 4 * now < 3 * then; };
  return shrinks(next.num_tokens, queries) || shrinks(NumKeys(next), keys);
}

std::vector<std::vector<AttentionSpan>> GroupByLength(std::vector<AttentionSpan> sequences, int64_t num_heads) {
  const bool same = std::all_of(sequences.begin(), sequences.end(), [&](const AttentionSpan& sequence) {
    return sequence.num_tokens == sequences[0].num_tokens && NumKeys(sequence) == NumKeys(sequences[0]);
  });
  if (!same) {
    std::stable_sort(sequences.begin(), sequences.end(), [](const AttentionSpan& a, const AttentionSpan& b) {
      return std::pair(a.num_tokens, NumKeys(a)) > std::pair(b.num_tokens, NumKeys(b));
    });
  }
  std::vector<std::vector<AttentionSpan>> groups;
  for (const AttentionSpan& sequence : sequences) {
    if (groups.empty() || StartsNewBatch(groups.back(), sequence, num_heads)) groups.emplace_back();
    groups.back().push_back(sequence);
  }
  return groups;
}

void AddPages(const std::vector<AttentionSpan>& group, const std::vector<int64_t>& block_rows, AttentionBatch& batch) {
  const int64_t width = (batch.num_keys + kPageTokens - 1) / kPageTokens;
  batch.page_table = at::zeros({batch.num_sequences, width}, at::kInt);
  batch.lengths = at::empty({batch.num_sequences}, at::kInt);
  int32_t* table = batch.page_table.mutable_data_ptr<int32_t>();
  int32_t* lengths = batch.lengths.mutable_data_ptr<int32_t>();
  for (size_t row = 0; row < group.size(); ++row) {
    for (int64_t block = 0; block < group[row].num_blocks; ++block) {
      table[row * width + block] = static_cast<int32_t>(block_rows[group[row].first_block + block] / kPageTokens);
    }
    lengths[row] = static_cast<int32_t>(NumKeys(group[row]));
  }
}

AttentionBatch MakeBatch(const std::vector<AttentionSpan>& group) {
  AttentionBatch batch;
  batch.num_sequences = static_cast<int64_t>(group.size());
  bool run = true;
  bool same_first = true;
  for (const AttentionSpan& sequence : group) {
    batch.num_queries = std::max(batch.num_queries, sequence.num_tokens);
    batch.num_keys = std::max(batch.num_keys, NumKeys(sequence));
    batch.max_first = std::max(batch.max_first, sequence.first_position);
    same_first = same_first && sequence.first_position == group[0].first_position;
  }
  for (size_t row = 0; row < group.size(); ++row) {
    run = run && group[row].num_tokens == batch.num_queries &&
          group[row].first_token == group[0].first_token + static_cast<int64_t>(row) * batch.num_queries;
  }
  batch.first_row = group[0].first_token;
  const int64_t position_rows = same_first ? 1 : batch.num_sequences;
  batch.positions = at::empty({position_rows, batch.num_queries}, at::kInt);
  int32_t* positions = batch.positions.mutable_data_ptr<int32_t>();
  for (int64_t row = 0; row < position_rows; ++row) {
    std::iota(positions + row * batch.num_queries, positions + (row + 1) * batch.num_queries,
              static_cast<int32_t>(group[row].first_position));
  }
  if (run) return batch;
  batch.rows = at::full({batch.num_sequences * batch.num_queries}, -1, at::kLong);
  int64_t* rows = batch.rows.mutable_data_ptr<int64_t>();
  for (const AttentionSpan& sequence : group) {
    std::iota(rows, rows + sequence.num_tokens, sequence.first_token);
    rows += batch.num_queries;
  }
  return batch;
}

at::Tensor MakePlaces(const std::vector<std::vector<AttentionSpan>>& groups, const PaddedAttention& padded,
                      int64_t num_tokens) {
  const at::Tensor places = at::empty({num_tokens}, at::kLong);
  int64_t* place = places.mutable_data_ptr<int64_t>();
  int64_t next = 0;
  for (size_t index = 0; index < groups.size(); ++index) {
    for (const AttentionSpan& sequence : groups[index]) {
      std::iota(place + sequence.first_token, place + sequence.first_token + sequence.num_tokens, next);
      next += padded.batches[index].num_queries;
    }
  }
  return places;
}

}  // namespace

PaddedAttention PadAttention(const std::vector<AttentionSpan>& sequences, const std::vector<int64_t>& block_rows,
                             bool cached, int64_t num_heads) {
  PaddedAttention padded;
  const std::vector<std::vector<AttentionSpan>> groups = GroupByLength(sequences, num_heads);
  bool in_order = groups.size() == 1;
  int64_t num_tokens = 0;
  for (const std::vector<AttentionSpan>& group : groups) {
    padded.batches.push_back(MakeBatch(group));
    if (cached) AddPages(group, block_rows, padded.batches.back());
    in_order = in_order && !padded.batches.back().rows.defined();
    for (const AttentionSpan& sequence : group) num_tokens += sequence.num_tokens;
  }
  if (!in_order) padded.places = MakePlaces(groups, padded, num_tokens);
  return padded;
}

}  // namespace plumb
