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

std::vector<AttentionSpan> ListSequences(const PackedTokens& tokens, bool cached) {
  const int64_t count = tokens.num_sequences();
  const at::Tensor positions = tokens.positions.cpu();
  const int64_t* position = positions.const_data_ptr<int64_t>();
  std::vector<AttentionSpan> sequences(count);
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
  return sequences;
}

std::vector<int64_t> ListBlocks(const std::vector<AttentionSpan>& sequences, const KvView& view) {
  std::vector<int64_t> rows;
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
  return rows;
}

at::Tensor MakeSlots(const AttentionUnits& units, int64_t num_tokens) {
  const at::Tensor slots = at::empty({num_tokens}, at::kLong);
  int64_t* slot = slots.mutable_data_ptr<int64_t>();
  for (const AttentionSpan& sequence : units.sequences) {
    for (int64_t position = sequence.first_position; position <= sequence.last_position(); ++position) {
      *slot++ = units.block_rows[sequence.first_block + position / kPageTokens] + position % kPageTokens;
    }
  }
  return slots;
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
  PLUMB_CHECK(!plan.cached || static_cast<int64_t>(view.pages.size()) == tokens.num_sequences())
      << view.pages.size() << " page lists for " << tokens.num_sequences() << " sequences";
  AttentionUnits units;
  units.sequences = ListSequences(tokens, plan.cached);
  units.block_rows = ListBlocks(units.sequences, view);
  if (plan.cached) plan.slots = MakeSlots(units, plan.num_tokens);
  if (tokens.ids.is_cpu()) {
    units = cpu::MakeAttentionUnits(std::move(units.sequences), std::move(units.block_rows), num_heads,
                                    at::get_num_threads());
  } else {
    plan.padded = PadAttention(units.sequences, units.block_rows, plan.cached, num_heads);
    MoveTo(tokens.ids.device(), plan);
  }
  plan.units = std::make_shared<const AttentionUnits>(std::move(units));
  return plan;
}

}  // namespace plumb
