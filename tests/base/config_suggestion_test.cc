#include "base/config_suggestion.h"

#include <gmock/gmock.h>

#include "proto/config.pb.h"

namespace plumb {
namespace {

TEST(ConfigSuggestionTest, CountsEdits) {
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("setps", "steps"), 1);
}

TEST(ConfigSuggestionTest, NamesTheNearestCandidate) {
  EXPECT_EQ(DidYouMean("clip_hihg", {"clip_low", "clip_high"}), "; did you mean clip_high?");
  EXPECT_EQ(DidYouMean("zzz", {"clip_low", "clip_high"}), "");
  EXPECT_EQ(DidYouMean("x", {}), "");
}

TEST(FindKeyPathTest, KnowsTheNamesOfOtherPrograms) {
  const google::protobuf::Descriptor& grpo = *proto::GrpoConfig::descriptor();
  EXPECT_EQ(FindKeyPath("lr", grpo), "optimizer.learning_rate");
  EXPECT_EQ(FindKeyPath("num_generations", grpo), "group_size");
  EXPECT_EQ(FindKeyPath("epsilon", grpo), "algorithm.clip_low");
  EXPECT_EQ(FindKeyPath("per_device_train_batch_size", grpo), "prompts_per_step");
  EXPECT_EQ(FindKeyPath("per_device_train_batch_size", *proto::SftConfig::descriptor()), "batch_size");
}

TEST(FindKeyPathTest, FindsAKeyOfAnotherTable) {
  EXPECT_EQ(FindKeyPath("warmup_steps", *proto::SftConfig::descriptor()), "optimizer.warmup_steps");
  EXPECT_EQ(FindKeyPath("steps", *proto::SftConfig::descriptor()), "steps");
  EXPECT_EQ(FindKeyPath("kl_coef", *proto::SftConfig::descriptor()), "");
}

TEST(SuggestKeyTest, LeavesOutThePathOfTheSameTable) {
  const google::protobuf::Descriptor& root = *proto::SftConfig::descriptor();
  EXPECT_EQ(SuggestKey("lr", *proto::OptimizerConfig::descriptor(), root), "; did you mean learning_rate?");
  EXPECT_EQ(SuggestKey("lr", root, root), "; did you mean optimizer.learning_rate?");
  EXPECT_EQ(SuggestKey("stepz", root, root), "; did you mean steps?");
}

}  // namespace
}  // namespace plumb
