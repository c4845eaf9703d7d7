#include "rollout/group_collector.h"

#include <gtest/gtest.h>

namespace plumb {
namespace {

std::vector<GroupRequest> TwoGroups() {
  GroupRequest one, two;
  one.group_id = "one";
  one.group_size = 2;
  two.group_id = "two";
  return {one, two};
}

TEST(GroupCollectorTest, PutsTokensWhereTheyBelong) {
  const std::vector<GroupRequest> requests = TwoGroups();
  GroupCollector collector(requests);
  collector.AddToken(0, 1, 7, -0.5f, -0.25f, 3);
  collector.AddToken(1, 0, 8, -1.0f, -1.0f, 3);
  collector.AddToken(0, 1, 9, -2.0f, -1.5f, 4);
  collector.Finish(0, 1, {FinishReason::kStop, "stop", "text"});
  EXPECT_EQ(collector.num_tokens(), 3);
  EXPECT_EQ(collector.num_finished(), 1);
  EXPECT_FALSE(collector.IsGroupFinished(0));
  EXPECT_FALSE(collector.IsKnown(0, 1)) << "it is finished";
  EXPECT_FALSE(collector.IsKnown(0, 2));
  EXPECT_FALSE(collector.IsKnown(2, 0));
  const std::vector<RolloutGroup> groups = collector.Take();
  EXPECT_EQ(groups[0].group_id, "one");
  EXPECT_EQ(groups[0].completions[1].ids, (std::vector<int64_t>{7, 9}));
  EXPECT_EQ(groups[0].completions[1].weight_steps, (std::vector<uint64_t>{3, 4}));
  EXPECT_EQ(groups[0].completions[1].text, "text");
  EXPECT_EQ(groups[1].completions[0].logprobs, (std::vector<float>{-1.0f}));
}

TEST(GroupCollectorTest, ForgetsAGroupThatIsAskedForAgain) {
  const std::vector<GroupRequest> requests = TwoGroups();
  GroupCollector collector(requests);
  collector.AddToken(0, 0, 7, -0.5f, -0.5f, 1);
  collector.Finish(0, 0, {});
  collector.AddToken(1, 0, 8, -1.0f, -1.0f, 1);
  collector.Finish(1, 0, {});
  collector.Reset(0);
  EXPECT_TRUE(collector.IsKnown(0, 0));
  EXPECT_EQ(collector.num_finished(), 1);
  EXPECT_EQ(collector.num_tokens(), 1);
  EXPECT_TRUE(collector.IsGroupFinished(1));
  EXPECT_TRUE(collector.Take()[0].completions[0].ids.empty());
}

}  // namespace
}  // namespace plumb
