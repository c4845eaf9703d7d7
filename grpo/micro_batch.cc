#include "grpo/micro_batch.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "text/packing.h"

namespace plumb {
namespace {

TrainPart PartOf(absl::Span<const ScoredGroup* const> groups, bool skip_zero_advantages) {
  TrainPart part;
  for (const ScoredGroup* group : groups) {
    for (const ScoredCompletion& member : group->members) {
      if (!member.trained) continue;
      part.samples.push_back({&group->row->prompt_ids, &member.completion, member.advantage});
      part.scale.tokens += static_cast<int64_t>(member.completion.ids.size());
      ++part.scale.sequences;
    }
  }
  const auto is_zero = [](const TrainSample& sample) { return sample.advantage == 0; };
  if (skip_zero_advantages && !std::all_of(part.samples.begin(), part.samples.end(), is_zero)) {
    part.samples.erase(std::remove_if(part.samples.begin(), part.samples.end(), is_zero), part.samples.end());
  }
  return part;
}

MicroBatch Pack(absl::Span<const TrainSample> samples, const std::vector<int64_t>& members, at::Device device) {
  std::vector<std::vector<int64_t>> sequences;
  std::vector<int64_t> predictors, targets, sequence;
  std::vector<float> old_logp, advantages;
  int64_t start = 0;
  for (const int64_t member : members) {
    const TrainSample& sample = samples[member];
    const Completion& completion = *sample.completion;
    PLUMB_CHECK(completion.sampling_logprobs.size() == completion.ids.size())
        << completion.sampling_logprobs.size() << " log-probabilities for " << completion.ids.size() << " tokens";
    std::vector<int64_t> ids = *sample.prompt_ids;
    ids.insert(ids.end(), completion.ids.begin(), completion.ids.end() - 1);
    const int64_t first = start + static_cast<int64_t>(sample.prompt_ids->size()) - 1;
    for (size_t t = 0; t < completion.ids.size(); ++t) predictors.push_back(first + static_cast<int64_t>(t));
    targets.insert(targets.end(), completion.ids.begin(), completion.ids.end());
    old_logp.insert(old_logp.end(), completion.sampling_logprobs.begin(), completion.sampling_logprobs.end());
    advantages.insert(advantages.end(), completion.ids.size(), static_cast<float>(sample.advantage));
    sequence.insert(sequence.end(), completion.ids.size(), static_cast<int64_t>(sequences.size()));
    start += static_cast<int64_t>(ids.size());
    sequences.push_back(std::move(ids));
  }
  MicroBatch batch;
  batch.tokens = ToDevice(PackSequences(sequences), device);
  batch.predictors = at::tensor(predictors, at::kLong).to(device);
  batch.targets = at::tensor(targets, at::kLong).to(device);
  batch.old_logp = at::tensor(old_logp, at::kFloat).to(device);
  batch.advantages = at::tensor(advantages, at::kFloat).to(device);
  batch.sequence = at::tensor(sequence, at::kLong).to(device);
  return batch;
}

}  // namespace

std::vector<TrainPart> SplitIntoParts(absl::Span<const ScoredGroup> groups, int64_t num_parts,
                                      bool skip_zero_advantages) {
  std::vector<const ScoredGroup*> kept;
  for (const ScoredGroup& group : groups) {
    if (!group.dropped) kept.push_back(&group);
  }
  const int64_t total = static_cast<int64_t>(kept.size());
  std::vector<TrainPart> parts;
  for (int64_t p = 0; p < num_parts; ++p) {
    const int64_t first = total * p / num_parts;
    const int64_t last = total * (p + 1) / num_parts;
    TrainPart part = PartOf(absl::MakeConstSpan(kept).subspan(first, last - first), skip_zero_advantages);
    if (part.scale.tokens > 0) parts.push_back(std::move(part));
  }
  return parts;
}

std::vector<MicroBatch> PackMicroBatches(absl::Span<const TrainSample> samples, int64_t token_limit,
                                         at::Device device) {
  std::vector<int64_t> lengths;
  for (const TrainSample& sample : samples) lengths.push_back(sample.forward_tokens());
  std::vector<MicroBatch> batches;
  for (const std::vector<int64_t>& members : PackBestFit(lengths, token_limit)) {
    batches.push_back(Pack(samples, members, device));
  }
  return batches;
}

}  // namespace plumb
