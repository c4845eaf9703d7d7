#include "policy/kernels/attention_plan.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "base/check.h"
#include "policy/kernels/cpu/numerics.h"

namespace plumb {
namespace {

using cpu::AttentionSpan;
using cpu::AttentionUnits;

static_assert(kPageTokens == cpu::kKeyBlock, "a block of keys is one page of the cache");

void ListSequences(const PackedTokens& tokens, bool cached, std::vector<AttentionSpan>& sequences) {
  const int64_t count = tokens.num_sequences();
  const at::Tensor positions = tokens.positions.cpu();
  const int64_t* position = positions.const_data_ptr<int64_t>();
  sequences.assign(count, AttentionSpan());
  int64_t num_blocks = 0;
  for (int64_t b = 0; b < count; ++b) {
    AttentionSpan& sequence = sequences[b];
    sequence.first_token = tokens.starts[b];
    sequence.num_tokens = tokens.starts[b + 1] - tokens.starts[b];
    PLUMB_CHECK(sequence.num_tokens > 0) << "sequence " << b << " is empty";
    sequence.first_position = position[sequence.first_token];
    PLUMB_CHECK(cached || sequence.first_position == 0)
        << "sequence " << b << " starts at position " << sequence.first_position << " without a cache";
    sequence.num_blocks = sequence.last_position() / kPageTokens + 1;
    sequence.first_block = num_blocks;
    num_blocks += sequence.num_blocks;
  }
}

void ListBlocks(const std::vector<AttentionSpan>& sequences, const KvView& view, std::vector<int64_t>& rows) {
  rows.clear();
  rows.reserve(sequences.empty() ? 0 : sequences.back().first_block + sequences.back().num_blocks);
  for (size_t b = 0; b < sequences.size(); ++b) {
    const AttentionSpan& sequence = sequences[b];
    if (view.cache == nullptr) {
      for (int64_t i = 0; i < sequence.num_blocks; ++i) rows.push_back(sequence.first_token + i * kPageTokens);
      continue;
    }
    const std::vector<int32_t>& pages = view.pages[b];
    PLUMB_CHECK(static_cast<int64_t>(pages.size()) >= sequence.num_blocks)
        << "sequence " << b << " has " << pages.size() << " pages, expected " << sequence.num_blocks;
    for (int64_t i = 0; i < sequence.num_blocks; ++i) rows.push_back(int64_t{pages[i]} * kPageTokens);
  }
}

void FillSlots(const AttentionUnits& units, int64_t* slot) {
  for (const AttentionSpan& sequence : units.sequences) {
    for (int64_t position = sequence.first_position; position <= sequence.last_position(); ++position) {
      *slot++ = units.block_rows[sequence.first_block + position / kPageTokens] + position % kPageTokens;
    }
  }
}

void ListAll(const PackedTokens& tokens, const KvView& view, AttentionUnits& units) {
  const bool cached = view.cache != nullptr;
  PLUMB_CHECK(!cached || static_cast<int64_t>(view.pages.size()) == tokens.num_sequences())
      << view.pages.size() << " page lists for " << tokens.num_sequences() << " sequences";
  ListSequences(tokens, cached, units.sequences);
  ListBlocks(units.sequences, view, units.block_rows);
}

void MoveTo(at::Device device, AttentionPlan& plan) {
  const auto move = [device](at::Tensor& tensor) {
    if (tensor.defined()) tensor = tensor.to(device);
  };
  move(plan.padded.places);
  move(plan.slots);
  for (AttentionBatch& batch : plan.padded.batches) {
    for (at::Tensor* tensor : {&batch.rows, &batch.positions, &batch.page_table, &batch.lengths}) move(*tensor);
  }
}

}  // namespace

AttentionPlan PlanAttention(const PackedTokens& tokens, const KvView& view, int64_t num_heads) {
  AttentionPlan plan;
  plan.num_tokens = tokens.num_tokens();
  plan.cached = view.cache != nullptr;
  AttentionUnits units;
  ListAll(tokens, view, units);
  if (plan.cached) {
    plan.slots = at::empty({plan.num_tokens}, at::kLong);
    FillSlots(units, plan.slots.mutable_data_ptr<int64_t>());
  }
  if (tokens.ids.is_cpu()) {
    cpu::CutIntoUnits(units, num_heads, at::get_num_threads());
  } else {
    plan.padded = PadAttention(units.sequences, units.block_rows, plan.cached, num_heads);
    MoveTo(tokens.ids.device(), plan);
  }
  plan.units = std::make_shared<const AttentionUnits>(std::move(units));
  return plan;
}

void PlanAttentionOnCpu(const PackedTokens& tokens, const KvView& view, int64_t num_heads, AttentionUnits& units,
                        std::vector<int64_t>& slots) {
  ListAll(tokens, view, units);
  slots.resize(view.cache == nullptr ? 0 : tokens.num_tokens());
  if (view.cache != nullptr) FillSlots(units, slots.data());
  cpu::CutIntoUnits(units, num_heads, at::get_num_threads());
}

}  // namespace plumb
