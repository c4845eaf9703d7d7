#include "grpo/evaluation.h"

#include <gmock/gmock.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::StatusIs;

ScoredGroup Answer(RewardOutcome outcome, double value) {
  ScoredGroup group;
  group.members.resize(1);
  group.members[0].completion.ids = {1, 2};
  group.members[0].reward.outcome = outcome;
  group.members[0].reward.value = value;
  group.members[0].reward.components = {{"builtin", value}, {"builtin/math", 1 - value}};
  group.members[0].reward.message = "because";
  return group;
}

proto::EvalConfig Config(const std::string& component = "") {
  proto::EvalConfig config;
  config.set_correct_threshold(0.999);
  config.set_component(component);
  return config;
}

TEST(EvaluationTest, AccuracyIsOverAnswersWithAScore) {
  ASSERT_OK_AND_ASSIGN(const EvalReport report,
                       JudgeAnswers({Answer(RewardOutcome::kScored, 1), Answer(RewardOutcome::kScored, 0.5),
                                     Answer(RewardOutcome::kInvalid, 0), Answer(RewardOutcome::kScored, 0)},
                                    Config()));
  EXPECT_DOUBLE_EQ(report.accuracy, 1.0 / 3);
  EXPECT_DOUBLE_EQ(report.completion_length, 2);
  EXPECT_EQ(report.unscored, 1);
  EXPECT_TRUE(report.answers[0].correct);
  EXPECT_FALSE(report.answers[2].correct);
}

TEST(EvaluationTest, AComponentMayDecide) {
  for (const char* component : {"builtin/math", "math"}) {
    ASSERT_OK_AND_ASSIGN(const EvalReport report, JudgeAnswers({Answer(RewardOutcome::kScored, 0)}, Config(component)));
    EXPECT_DOUBLE_EQ(report.accuracy, 1);
  }
}

TEST(EvaluationTest, AnUnknownComponentIsAnError) {
  EXPECT_THAT(JudgeAnswers({Answer(RewardOutcome::kScored, 0)}, Config("lenght")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("no score has 'lenght'"), HasSubstr("builtin, builtin/math"))));
}

TEST(EvaluationTest, NoScoreAtAllIsAnError) {
  EXPECT_THAT(JudgeAnswers({Answer(RewardOutcome::kFailed, 0)}, Config()),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("because")));
}

TEST(EvaluationTest, SamplesGreedilyWithTheSameStops) {
  SamplingOptions training;
  training.max_new_tokens = 7;
  training.temperature = 0.5;
  training.stop_strings = {"\n"};
  const SamplingOptions greedy = GreedySampling(training);
  EXPECT_TRUE(greedy.greedy);
  EXPECT_EQ(greedy.temperature, 1.0);
  EXPECT_EQ(greedy.max_new_tokens, 7);
  EXPECT_EQ(greedy.stop_strings, training.stop_strings);
}

}  // namespace
}  // namespace plumb
