#include "grpo/micro_batch.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

namespace plumb {
namespace {

using ::testing::ElementsAre;

template <typename T>
std::vector<T> Values(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return std::vector<T>(flat.data_ptr<T>(), flat.data_ptr<T>() + flat.numel());
}

Completion Answer(const std::vector<int64_t>& ids, const std::vector<float>& logprobs) {
  Completion completion;
  completion.ids = ids;
  completion.sampling_logprobs = logprobs;
  return completion;
}

TEST(MicroBatchTest, PredictorsStandOnePlaceBeforeTheirTokens) {
  const std::vector<int64_t> long_prompt = {1, 2, 3}, short_prompt = {4};
  const Completion first = Answer({10, 11}, {-1, -2});
  const Completion second = Answer({12}, {-3});
  const std::vector<TrainSample> samples = {{&long_prompt, &first, 0.5}, {&short_prompt, &second, -0.5}};
  const std::vector<MicroBatch> batches = PackMicroBatches(samples, 100, at::kCPU);
  ASSERT_EQ(batches.size(), 1u);
  const MicroBatch& batch = batches[0];
  EXPECT_THAT(Values<int64_t>(batch.tokens.ids), ElementsAre(1, 2, 3, 10, 4));
  EXPECT_THAT(batch.tokens.starts, ElementsAre(0, 4, 5));
  EXPECT_THAT(Values<int64_t>(batch.predictors), ElementsAre(2, 3, 4));
  EXPECT_THAT(Values<int64_t>(batch.targets), ElementsAre(10, 11, 12));
  EXPECT_THAT(Values<float>(batch.old_logp), ElementsAre(-1, -2, -3));
  EXPECT_THAT(Values<float>(batch.advantages), ElementsAre(0.5f, 0.5f, -0.5f));
  EXPECT_THAT(Values<int64_t>(batch.sequence), ElementsAre(0, 0, 1));
}

TEST(MicroBatchTest, KeepsTheTokenLimit) {
  const std::vector<int64_t> prompt = {1, 2, 3};
  const Completion answer = Answer({5, 6}, {-1, -1});
  const std::vector<TrainSample> samples(5, TrainSample{&prompt, &answer, 1});
  const std::vector<MicroBatch> batches = PackMicroBatches(samples, 9, at::kCPU);
  ASSERT_EQ(batches.size(), 3u);  // two samples of four forward tokens fit into nine
  int64_t sequences = 0;
  for (const MicroBatch& batch : batches) {
    EXPECT_LE(batch.tokens.num_tokens(), 9);
    sequences += batch.tokens.num_sequences();
  }
  EXPECT_EQ(sequences, 5);
  EXPECT_EQ(PackMicroBatches(samples, 1, at::kCPU).size(), 5u);
}

// Groups of two completions of two tokens; advantages as given.
class SplitIntoPartsTest : public ::testing::Test {
 protected:
  std::vector<ScoredGroup> Groups(const std::vector<double>& advantages) const {
    std::vector<ScoredGroup> groups;
    for (const double advantage : advantages) {
      ScoredGroup group;
      group.row = &row_;
      for (const double sign : {1.0, -1.0}) {
        ScoredCompletion member;
        member.completion = Answer({5, 6}, {-1, -1});
        member.advantage = sign * advantage;
        member.trained = true;
        group.members.push_back(member);
      }
      groups.push_back(group);
    }
    return groups;
  }

 private:
  const PromptRow row_ = {.id = "0", .prompt = "p", .prompt_ids = {1}};
};

TEST_F(SplitIntoPartsTest, SplitsByPromptsInOrder) {
  const std::vector<ScoredGroup> groups = Groups({1, 2, 3, 4, 5});
  const std::vector<TrainPart> parts = SplitIntoParts(groups, 2, false);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].scale.sequences, 4);
  EXPECT_EQ(parts[1].scale.sequences, 6);
  EXPECT_EQ(parts[1].scale.tokens, 12);
  EXPECT_EQ(parts[1].samples[0].advantage, 3);
}

TEST_F(SplitIntoPartsTest, LeavesOutDroppedGroupsAndEmptyParts) {
  std::vector<ScoredGroup> groups = Groups({1, 2, 3});
  groups[0].dropped = true;
  groups[1].members[0].trained = groups[1].members[1].trained = false;
  const std::vector<TrainPart> parts = SplitIntoParts(groups, 2, false);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].samples.size(), 2u);
}

TEST_F(SplitIntoPartsTest, CountsWhatItNeedNotCompute) {
  const std::vector<TrainPart> parts = SplitIntoParts(Groups({0, 2, 0}), 1, true);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].samples.size(), 2u);
  EXPECT_EQ(parts[0].scale.tokens, 12);
  EXPECT_EQ(parts[0].scale.sequences, 6);
}

TEST_F(SplitIntoPartsTest, ComputesAllWhereNothingElseIsThere) {
  EXPECT_EQ(SplitIntoParts(Groups({0, 0}), 1, true)[0].samples.size(), 4u);
}

}  // namespace
}  // namespace plumb
