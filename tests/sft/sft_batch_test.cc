#include "sft/sft_batch.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

namespace plumb {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> Values(const at::Tensor& tensor) {
  return std::vector<int64_t>(tensor.const_data_ptr<int64_t>(), tensor.const_data_ptr<int64_t>() + tensor.numel());
}

TEST(SftBatchTest, TheTokenBeforeATrainedOnePredictsIt) {
  const SftRow first = {"0", {5, 6, 7}, {false, true, true}};
  const SftRow second = {"1", {8, 9}, {true, true}};  // nothing predicts a row's first token
  const SftBatch batch = PackSftBatch({&first, &second}, 10, at::kCPU);
  ASSERT_EQ(batch.micro_batches.size(), 1u);
  const SftMicroBatch& micro_batch = batch.micro_batches[0];
  EXPECT_THAT(Values(micro_batch.tokens.ids), ElementsAre(5, 6, 7, 8, 9));
  EXPECT_THAT(micro_batch.tokens.starts, ElementsAre(0, 3, 5));
  EXPECT_THAT(Values(micro_batch.predictors), ElementsAre(0, 1, 3));
  EXPECT_THAT(Values(micro_batch.targets), ElementsAre(6, 7, 9));
  EXPECT_EQ(batch.trained_tokens, 3);
}

TEST(SftBatchTest, MicroBatchesKeepToTheLimit) {
  const SftRow row = {"0", {5, 6, 7}, {false, false, true}};
  const SftBatch batch = PackSftBatch({&row, &row, &row}, 6, at::kCPU);
  ASSERT_EQ(batch.micro_batches.size(), 2u);
  EXPECT_EQ(batch.micro_batches[0].tokens.num_tokens(), 6);
  EXPECT_EQ(batch.micro_batches[1].tokens.num_tokens(), 3);
  EXPECT_EQ(batch.trained_tokens, 3);
}

}  // namespace
}  // namespace plumb
