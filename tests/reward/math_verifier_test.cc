#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reward/verifiers.h"

namespace plumb {
namespace {

using ::testing::HasSubstr;

double Value(absl::string_view completion, absl::string_view gold) {
  const RewardResult result = VerifyMath(completion, gold, 1e-6);
  EXPECT_EQ(result.outcome, RewardOutcome::kScored) << result.message;
  return result.value;
}

TEST(VerifyMathTest, ComparesValuesNotStrings) {
  EXPECT_EQ(Value("\\boxed{0.50}", "\\frac{1}{2}"), 1);
  EXPECT_EQ(Value("#### 1,200", "1200"), 1);
  EXPECT_EQ(Value("\\boxed{1\\frac{3}{4}}", "7/4"), 1);
  EXPECT_EQ(Value("the answer is 3.0.", "3"), 1);
  EXPECT_EQ(Value("\\boxed{50\\%}", "50"), 1);
  EXPECT_EQ(Value("\\boxed{$-7$}", "-7"), 1);
  EXPECT_EQ(Value("\\boxed{13}", "31"), 0);
  EXPECT_EQ(Value("\\boxed{50\\%}", "0.5"), 0);
}

TEST(VerifyMathTest, ANumberIsNotSpelledWithSpaces) { EXPECT_EQ(Value("#### 5 5", "55"), 0); }

TEST(VerifyMathTest, ReadsGsm8kRows) {
  const char* gold = "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nAltogether 48+24 = <<48+24=72>>72.\n#### 72";
  EXPECT_EQ(Value("48 + 24 = 72\n#### 72", gold), 1);
  EXPECT_EQ(Value("The answer is $72.", gold), 1);
  EXPECT_EQ(Value("#### 24", gold), 0);
}

TEST(VerifyMathTest, ComparesOtherAnswersAsText) {
  EXPECT_EQ(Value("\\boxed{x + 1}", "x+1"), 1);
  EXPECT_EQ(Value("\\boxed{\\text{east}}", "east"), 1);
  EXPECT_EQ(Value("\\boxed{(3, 4)}", "\\left(3,4\\right)"), 1);
  EXPECT_EQ(Value("\\boxed{west}", "east"), 0);
}

TEST(VerifyMathTest, GivesZeroWhereTheCompletionHasNoAnswer) {
  EXPECT_EQ(Value("I give up", "5"), 0);
  EXPECT_EQ(Value("", "5"), 0);
  EXPECT_EQ(Value("\\boxed{}", "5"), 0);
  EXPECT_EQ(Value("\\boxed{five}", "5"), 0);
}

TEST(VerifyMathTest, IsInvalidWhereTheRowHasNoAnswer) {
  for (const char* gold : {"", "####", "two\nlines", "$$"}) {
    const RewardResult result = VerifyMath("\\boxed{5}", gold, 1e-6);
    EXPECT_EQ(result.outcome, RewardOutcome::kInvalid) << gold;
    EXPECT_THAT(result.message, HasSubstr("no answer in the row's"));
  }
}

TEST(VerifyMathTest, SaysWhatItRead) { EXPECT_EQ(VerifyMath("#### 6", "5", 1e-6).message, "answer '6', expected '5'"); }

}  // namespace
}  // namespace plumb
