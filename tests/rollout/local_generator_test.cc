#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "rollout/generator.h"
#include "tests/rollout/tiny_policy.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TinyGroup;

std::unique_ptr<Generator> MakeGenerator() {
  absl::StatusOr<std::unique_ptr<Generator>> generator =
      MakeLocalGenerator(testing::TinyWeights(), nullptr, testing::TinyLimits(), at::kCPU);
  return *std::move(generator);
}

TEST(LocalGeneratorTest, PublishedWeightsAreACopyUnderTheirVersion) {
  const std::unique_ptr<Generator> generator = MakeGenerator();
  const SamplingOptions sampling = {.max_new_tokens = 10, .ignore_end_tokens = true};
  const std::vector<GroupRequest> groups = {TinyGroup(0, 9, 2)};
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  ASSERT_OK_AND_ASSIGN(const std::vector<RolloutGroup> before, generator->Generate(groups, sampling, deadline));
  PolicyWeights weights = testing::OtherWeights();
  ASSERT_OK(generator->PublishWeights(weights, "run", 8));
  weights.embed.zero_();  // the trainer goes on
  ASSERT_OK_AND_ASSIGN(const std::vector<RolloutGroup> after, generator->Generate(groups, sampling, deadline));
  EXPECT_EQ(before[0].completions[0].weight_steps[9], 0u);
  EXPECT_EQ(after[0].completions[0].weight_steps, std::vector<uint64_t>(10, 8));
  EXPECT_NE(testing::IdsOf(before), testing::IdsOf(after));
}

TEST(LocalGeneratorFaultTest, ADeadlineSaysHowFarItCame) {
  const std::unique_ptr<Generator> generator = MakeGenerator();
  const SamplingOptions sampling = {.max_new_tokens = 2000, .ignore_end_tokens = true};
  EXPECT_THAT(generator->Generate({TinyGroup(0, 9, 2)}, sampling, absl::Now() + absl::Milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("0 of 2 completions")));
  // It is as good as new.
  EXPECT_OK(generator->Generate({TinyGroup(0, 9, 2)}, {.max_new_tokens = 3}, absl::Now() + absl::Seconds(20)));
}

TEST(LocalGeneratorFaultTest, BadRequestsAreRefusedAndNoRequestsAreFine) {
  const std::unique_ptr<Generator> generator = MakeGenerator();
  EXPECT_THAT(generator->Generate({TinyGroup(0, 0, 2)}, {}, absl::Now() + absl::Seconds(5)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("prompt_ids")));
  EXPECT_THAT(generator->Generate({}, {}, absl::Now() + absl::Seconds(5)), testing::IsOkAndHolds(::testing::SizeIs(0)));
}

}  // namespace
}  // namespace plumb
