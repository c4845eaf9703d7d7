#include "reward/rubric.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<Rubric> MakeRubric(const std::string& text) {
  proto::RewardServiceConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  return Rubric::Create(config.verifiers());
}

TEST(RubricTest, AddsWeightedValuesAndKeepsComponents) {
  ASSERT_OK_AND_ASSIGN(const Rubric rubric,
                       MakeRubric("verifiers { name: 'math' } "
                                  "verifiers { name: 'format' pattern: '#### \\\\d+' weight: 0.1 } "
                                  "verifiers { name: 'length' target_tokens: 2 max_tokens: 6 weight: 0.5 }"));
  const RewardResult result =
      rubric.Score({.completion = "#### 7", .completion_ids = {1, 2, 3, 4}, .row_json = R"({"answer": "so\n#### 7"})"});
  EXPECT_EQ(result.outcome, RewardOutcome::kScored);
  EXPECT_DOUBLE_EQ(result.value, 1 + 0.1 - 0.25);
  ASSERT_EQ(result.components.size(), 3);
  EXPECT_EQ(result.components[0].name, "math");
  EXPECT_EQ(result.components[0].value, 1);
  EXPECT_EQ(result.components[2].value, -0.5);
}

TEST(RubricTest, ReadsTheAnswerFromAnyFieldAndFromNumbers) {
  ASSERT_OK_AND_ASSIGN(const Rubric rubric, MakeRubric("verifiers { name: 'math' answer_field: 'target' }"));
  EXPECT_EQ(rubric.Score({.completion = "12", .row_json = R"({"target": 12})"}).value, 1);
  EXPECT_EQ(rubric.Score({.completion = "0.5", .row_json = R"({"target": 0.5})"}).value, 1);
}

TEST(RubricTest, IsInvalidWhereTheRowCannotBeScored) {
  ASSERT_OK_AND_ASSIGN(const Rubric rubric,
                       MakeRubric("verifiers { name: 'exact' } verifiers { name: 'regex' pattern: 'a' }"));
  for (const char* row : {"", "{}", "[]", "{", R"({"answer": [1]})"}) {
    const RewardResult result = rubric.Score({.completion = "a", .row_json = row});
    EXPECT_EQ(result.outcome, RewardOutcome::kInvalid) << row;
    EXPECT_EQ(result.value, 0);
  }
  EXPECT_THAT(rubric.Score({.completion = "a", .row_json = "{}"}).message, HasSubstr("no field 'answer'"));
}

TEST(RubricTest, NeedsIdsForLength) {
  ASSERT_OK_AND_ASSIGN(const Rubric rubric, MakeRubric("verifiers { name: 'length' target_tokens: 0 max_tokens: 4 }"));
  EXPECT_EQ(rubric.Score({.completion = "a"}).outcome, RewardOutcome::kInvalid);
  EXPECT_EQ(rubric.Score({.completion = ""}).outcome, RewardOutcome::kScored);
}

TEST(RubricTest, NumbersComponentsOfOneName) {
  ASSERT_OK_AND_ASSIGN(const Rubric rubric, MakeRubric("verifiers { name: 'regex' pattern: 'a' } "
                                                       "verifiers { name: 'regex' pattern: 'b' }"));
  EXPECT_THAT(rubric.component_names(), ElementsAre("regex", "regex_2"));
}

TEST(RubricTest, NamesTheVerifierAndFieldOfAnError) {
  const auto error = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(MakeRubric(""), StatusIs(error, HasSubstr("verifiers: empty")));
  EXPECT_THAT(MakeRubric("verifiers { name: 'math' } verifiers { name: 'regex' pattern: '(a' }"),
              StatusIs(error, HasSubstr("verifiers.1.pattern: missing )")));
  EXPECT_THAT(MakeRubric("verifiers { name: 'format' }"), StatusIs(error, HasSubstr("verifiers.0.pattern: is empty")));
  EXPECT_THAT(MakeRubric("verifiers { name: 'length' target_tokens: 5 max_tokens: 5 }"),
              StatusIs(error, HasSubstr("verifiers.0.max_tokens: 5 is not greater than target_tokens")));
  EXPECT_THAT(MakeRubric("verifiers { name: 'maths' }"), StatusIs(error, HasSubstr("verifiers.0.name: 'maths'")));
}

}  // namespace
}  // namespace plumb
