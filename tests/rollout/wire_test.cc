#include "rollout/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

TEST(WireTest, RequestsComeBackAsTheyWere) {
  GroupRequest group;
  group.group_id = "g";
  group.prompt_ids = {4, 5, 6};
  group.group_size = 3;
  group.run_seed = 9;
  group.domain = SeedDomain::kEval;
  group.row_id = "row";
  group.visit = 2;
  group.first_sample_index = 1;
  SamplingOptions sampling = {.max_new_tokens = 8, .temperature = 0.5, .top_p = 0.75, .top_k = 3};
  sampling.stop_ids = {2};
  sampling.stop_strings = {"x"};
  sampling.return_kept_sets = true;
  proto::GenerateRequest request = ToProto({group}, sampling);
  request.set_request_id("r");
  ASSERT_OK_AND_ASSIGN(const std::vector<GroupRequest> groups, GroupsFromProto(request));
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].prompt_ids, group.prompt_ids);
  EXPECT_EQ(groups[0].domain, SeedDomain::kEval);
  EXPECT_EQ(groups[0].row_id, "row");
  EXPECT_EQ(groups[0].visit, 2u);
  EXPECT_EQ(groups[0].first_sample_index, 1);
  ASSERT_OK_AND_ASSIGN(const SamplingOptions back, SamplingFromProto(request.sampling()));
  EXPECT_EQ(back.temperature, 0.5);
  EXPECT_EQ(back.top_p, 0.75);
  EXPECT_EQ(back.top_k, 3);
  EXPECT_THAT(back.stop_ids, ElementsAre(2));
  EXPECT_THAT(back.stop_strings, ElementsAre("x"));
  EXPECT_TRUE(back.return_kept_sets);
}

TEST(WireTest, AbsentSamplingFieldsAreDefaults) {
  proto::SamplingParameters message;
  message.set_max_new_tokens(4);
  ASSERT_OK_AND_ASSIGN(const SamplingOptions sampling, SamplingFromProto(message));
  EXPECT_EQ(sampling.temperature, 1.0);
  EXPECT_EQ(sampling.top_p, 1.0);
  EXPECT_EQ(sampling.top_k, 0);
  // Greedy requests leave the others out.
  EXPECT_OK(SamplingFromProto(ToProto({}, {.temperature = 0.3, .greedy = true}).sampling()));
}

TEST(WireTest, RefusesRepeatedGroupsAndOptionsThatExcludeEachOther) {
  proto::GenerateRequest request = ToProto({GroupRequest(), GroupRequest()}, {});
  request.set_request_id("r");
  EXPECT_THAT(GroupsFromProto(request), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("groups[1].group_id")));
  request.mutable_sampling()->set_greedy(true);
  EXPECT_THAT(SamplingFromProto(request.sampling()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("sampling.greedy")));
}

TEST(WireTest, ATickHasOneDeltaForEachSequence) {
  const WeightVersion version = {"run", 4, 99};
  RequestTick tick;
  tick.version = &version;
  tick.tokens.push_back({0, 1, {.id = 7, .logprob = -1, .sampling_logprob = -2}, std::nullopt});
  tick.tokens.push_back({2, 0, {.id = 8}, Stop{FinishReason::kStop, "end", "text"}});
  const proto::GenerateTick message = ToProto(tick);
  EXPECT_TRUE(FromProto(message.weight_version()) == version);
  ASSERT_EQ(message.deltas_size(), 2);
  EXPECT_EQ(message.deltas(0).sample_index(), 1u);
  EXPECT_THAT(message.deltas(0).ids(), ElementsAre(7));
  EXPECT_THAT(message.deltas(0).sampling_logprobs(), ElementsAre(-2));
  EXPECT_FALSE(message.deltas(0).has_finish());
  const Stop stop = FromProto(message.deltas(1).finish());
  EXPECT_EQ(stop.reason, FinishReason::kStop);
  EXPECT_EQ(stop.text, "text");
}

}  // namespace
}  // namespace plumb
