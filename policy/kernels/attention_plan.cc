#include "policy/kernels/attention_plan.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace plumb {
namespace {

// A batch this small is never split: padding costs less than one more batch.
constexpr int64_t kSmallScores = int64_t{1} << 16;

struct Sequence {
  int64_t index;
  int64_t start;  // first packed token
  int64_t first;  // position of it
  int64_t num_queries;
  int64_t num_keys;
};

std::vector<Sequence> ListSequences(const PackedTokens& tokens, bool cached) {
  const int64_t count = tokens.num_sequences();
  const at::Tensor starts = at::tensor(tokens.starts, at::kLong).narrow(0, 0, count).to(tokens.positions.device());
  const at::Tensor firsts = tokens.positions.index_select(0, starts).cpu();
  const int64_t* first = firsts.const_data_ptr<int64_t>();
  std::vector<Sequence> sequences;
  for (int64_t b = 0; b < count; ++b) {
    const int64_t length = tokens.starts[b + 1] - tokens.starts[b];
    PLUMB_CHECK(length > 0) << "sequence " << b << " is empty";
    PLUMB_CHECK(cached || first[b] == 0) << "sequence " << b << " starts at position " << first[b]
                                         << " without a cache";
    sequences.push_back({b, tokens.starts[b], first[b], length, first[b] + length});
  }
  return sequences;
}

// Whether `next` would make a batch that begins with `largest` and has `count` sequences wasteful or too large.
bool StartsNewBatch(const Sequence& largest, const Sequence& next, int64_t count, int64_t num_heads) {
  const int64_t keys = std::max(largest.num_keys, next.num_keys);
  const int64_t scores = count * largest.num_queries * keys * num_heads;
  if (scores + scores / count > kMaxScores) return true;
  if (scores < kSmallScores) return false;
  const auto shrinks = [](int64_t now, int64_t then) { return 4 * now < 3 * then; };
  return shrinks(next.num_queries, largest.num_queries) || shrinks(next.num_keys, keys);
}

std::vector<std::vector<Sequence>> GroupByLength(std::vector<Sequence> sequences, int64_t num_heads) {
  const bool same = std::all_of(sequences.begin(), sequences.end(), [&](const Sequence& sequence) {
    return sequence.num_queries == sequences[0].num_queries && sequence.num_keys == sequences[0].num_keys;
  });
  if (!same) {
    std::stable_sort(sequences.begin(), sequences.end(), [](const Sequence& a, const Sequence& b) {
      return std::pair(a.num_queries, a.num_keys) > std::pair(b.num_queries, b.num_keys);
    });
  }
  std::vector<std::vector<Sequence>> groups;
  for (const Sequence& sequence : sequences) {
    Sequence largest = groups.empty() ? sequence : groups.back()[0];
    if (!groups.empty()) {
      for (const Sequence& member : groups.back()) largest.num_keys = std::max(largest.num_keys, member.num_keys);
    }
    if (groups.empty() || StartsNewBatch(largest, sequence, static_cast<int64_t>(groups.back().size()), num_heads)) {
      groups.emplace_back();
    }
    groups.back().push_back(sequence);
  }
  return groups;
}

void AddPages(const std::vector<Sequence>& group, const KvView& view, AttentionBatch& batch) {
  const int64_t width = (batch.num_keys + kPageTokens - 1) / kPageTokens;
  batch.page_table = at::zeros({batch.num_sequences, width}, at::kInt);
  batch.lengths = at::empty({batch.num_sequences}, at::kInt);
  int32_t* table = batch.page_table.mutable_data_ptr<int32_t>();
  int32_t* lengths = batch.lengths.mutable_data_ptr<int32_t>();
  for (size_t row = 0; row < group.size(); ++row) {
    const std::vector<int32_t>& pages = view.pages[group[row].index];
    const int64_t wanted = (group[row].num_keys + kPageTokens - 1) / kPageTokens;
    PLUMB_CHECK(static_cast<int64_t>(pages.size()) >= wanted)
        << "sequence " << group[row].index << " has " << pages.size() << " pages, expected " << wanted;
    std::copy(pages.begin(), pages.begin() + wanted, table + row * width);
    lengths[row] = static_cast<int32_t>(group[row].num_keys);
  }
}

AttentionBatch MakeBatch(const std::vector<Sequence>& group) {
  AttentionBatch batch;
  batch.num_sequences = static_cast<int64_t>(group.size());
  bool run = true;
  bool same_first = true;
  for (const Sequence& sequence : group) {
    batch.num_queries = std::max(batch.num_queries, sequence.num_queries);
    batch.num_keys = std::max(batch.num_keys, sequence.num_keys);
    batch.max_first = std::max(batch.max_first, sequence.first);
    same_first = same_first && sequence.first == group[0].first;
  }
  for (size_t row = 0; row < group.size(); ++row) {
    run = run && group[row].num_queries == batch.num_queries &&
          group[row].start == group[0].start + static_cast<int64_t>(row) * batch.num_queries;
  }
  batch.first_row = group[0].start;
  const int64_t position_rows = same_first ? 1 : batch.num_sequences;
  batch.positions = at::empty({position_rows, batch.num_queries}, at::kInt);
  int32_t* positions = batch.positions.mutable_data_ptr<int32_t>();
  for (int64_t row = 0; row < position_rows; ++row) {
    std::iota(positions + row * batch.num_queries, positions + (row + 1) * batch.num_queries,
              static_cast<int32_t>(group[row].first));
  }
  if (run) return batch;
  batch.rows = at::full({batch.num_sequences * batch.num_queries}, -1, at::kLong);
  int64_t* rows = batch.rows.mutable_data_ptr<int64_t>();
  for (const Sequence& sequence : group) {
    std::iota(rows, rows + sequence.num_queries, sequence.start);
    rows += batch.num_queries;
  }
  return batch;
}

at::Tensor MakePlaces(const std::vector<std::vector<Sequence>>& groups, const AttentionPlan& plan) {
  const at::Tensor places = at::empty({plan.num_tokens}, at::kLong);
  int64_t* place = places.mutable_data_ptr<int64_t>();
  int64_t next = 0;
  for (size_t index = 0; index < groups.size(); ++index) {
    for (const Sequence& sequence : groups[index]) {
      std::iota(place + sequence.start, place + sequence.start + sequence.num_queries, next);
      next += plan.batches[index].num_queries;
    }
  }
  return places;
}

at::Tensor MakeSlots(const std::vector<Sequence>& sequences, const KvView& view, int64_t num_tokens) {
  const at::Tensor slots = at::empty({num_tokens}, at::kLong);
  int64_t* slot = slots.mutable_data_ptr<int64_t>();
  for (const Sequence& sequence : sequences) {
    for (int64_t position = sequence.first; position < sequence.num_keys; ++position) {
      *slot++ = view.pages[sequence.index][position / kPageTokens] * kPageTokens + position % kPageTokens;
    }
  }
  return slots;
}

void MoveTo(at::Device device, AttentionPlan& plan) {
  const auto move = [device](at::Tensor& tensor) {
    if (tensor.defined()) tensor = tensor.to(device);
  };
  move(plan.places);
  move(plan.slots);
  for (AttentionBatch& batch : plan.batches) {
    for (at::Tensor* tensor : {&batch.rows, &batch.positions, &batch.page_table, &batch.lengths}) move(*tensor);
  }
}

}  // namespace

AttentionPlan PlanAttention(const PackedTokens& tokens, const KvView& view, int64_t num_heads) {
  AttentionPlan plan;
  plan.num_tokens = tokens.num_tokens();
  plan.cached = view.cache != nullptr;
  PLUMB_CHECK(!plan.cached || static_cast<int64_t>(view.pages.size()) == tokens.num_sequences())
      << view.pages.size() << " page lists for " << tokens.num_sequences() << " sequences";
  const std::vector<Sequence> sequences = ListSequences(tokens, plan.cached);
  const std::vector<std::vector<Sequence>> groups = GroupByLength(sequences, num_heads);
  bool in_order = groups.size() == 1;
  for (const std::vector<Sequence>& group : groups) {
    plan.batches.push_back(MakeBatch(group));
    if (plan.cached) AddPages(group, view, plan.batches.back());
    in_order = in_order && !plan.batches.back().rows.defined();
  }
  if (!in_order) plan.places = MakePlaces(groups, plan);
  if (plan.cached) plan.slots = MakeSlots(sequences, view, plan.num_tokens);
  if (!tokens.ids.is_cpu()) MoveTo(tokens.ids.device(), plan);
  return plan;
}

}  // namespace plumb
