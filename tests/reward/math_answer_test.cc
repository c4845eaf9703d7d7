#include "reward/math_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace plumb {
namespace {

std::string Extracted(absl::string_view text) {
  const auto answer = ExtractAnswer(text);
  return answer.has_value() ? answer->text : "(none)";
}

TEST(ExtractAnswerTest, TakesTheLastBoxWithNestedBraces) {
  EXPECT_EQ(Extracted("first \\boxed{1}, then \\boxed{\\frac{3}{4}} #### 9"), "\\frac{3}{4}");
  EXPECT_EQ(Extracted("\\boxed{a{b}{c{d}}}"), "a{b}{c{d}}");
}

TEST(ExtractAnswerTest, TakesTheLastBoxThatBeginsLast) {
  EXPECT_EQ(Extracted("\\boxed{1 \\boxed{2} 3}"), "2");
  EXPECT_EQ(Extracted("} \\boxed{4} {"), "4");
}

TEST(ExtractAnswerTest, APageOfOpenBoxesTakesOnePass) {
  std::string page;
  for (int i = 0; i < 200000; ++i) page += "\\boxed{";
  EXPECT_EQ(Extracted(page + "9}"), "9");
}

TEST(ExtractAnswerTest, SkipsABoxThatWasCutOff) { EXPECT_EQ(Extracted("\\boxed{7} so \\boxed{12"), "7"); }

TEST(ExtractAnswerTest, ThenTakesWhatFollowsTheLastHashes) {
  EXPECT_EQ(Extracted("the answer is 3\n#### 1\n#### 42 \nbye 7"), "42");
}

TEST(ExtractAnswerTest, ThenTakesTheSentenceAfterAnswerIs) {
  EXPECT_EQ(Extracted("The Answer is: 12.5. There were 3 tries."), "12.5");
  EXPECT_EQ(Extracted("So the answer is 1,200 dollars\nand 5"), "1,200 dollars");
}

TEST(ExtractAnswerTest, ThenTakesTheLastNumber) {
  EXPECT_EQ(Extracted("3 + 4 = 7"), "7");
  EXPECT_EQ(Extracted("it falls by -12.5 in all"), "-12.5");
  EXPECT_EQ(Extracted("from 10-3"), "3");
  EXPECT_EQ(Extracted("about 1,234 of them."), "1,234");
  EXPECT_EQ(Extracted("so x = \\frac{3}{4}."), "\\frac{3}{4}");
  EXPECT_EQ(Extracted("half, or 1/2"), "1/2");
  EXPECT_EQ(Extracted("I do not know what the answer is"), "(none)");
}

TEST(ExtractGoldTest, TakesMarksOrOneLine) {
  EXPECT_EQ(ExtractGold("She has 3 + 4 = 7.\n#### 7")->text, "7");
  EXPECT_EQ(ExtractGold(" 12 ")->text, "12");
  EXPECT_EQ(ExtractGold("thus \\boxed{5}")->text, "5");
  EXPECT_FALSE(ExtractGold("no mark\nin these 2 lines").has_value());
  EXPECT_FALSE(ExtractGold("  ").has_value());
}

TEST(NormalizeAnswerTest, DropsWhatDoesNotChangeTheValue) {
  EXPECT_EQ(NormalizeAnswer("$\\left( 3, 4 \\right)$."), "( 3, 4 )");
  EXPECT_EQ(NormalizeAnswer("\\dfrac{1}{2}"), "\\frac{1}{2}");
  EXPECT_EQ(NormalizeAnswer("5\\, \\text{ cm}^2"), "5");
  EXPECT_EQ(NormalizeAnswer("\\text{east}"), "east");
  EXPECT_EQ(NormalizeAnswer("50\\%"), "50");
  EXPECT_EQ(NormalizeAnswer("\\$12{,}000"), "12,000");
  EXPECT_EQ(NormalizeAnswer("90^\\circ"), "90");
  EXPECT_EQ(NormalizeAnswer("**8**"), "8");
  EXPECT_EQ(NormalizeAnswer("\\leftarrow"), "\\leftarrow");
}

TEST(NumberInAnswerTest, LooksPastVariablesAndUnits) {
  const auto equals = [](absl::string_view text, absl::string_view number, bool in_prose = false) {
    const auto found = NumberInAnswer(text, in_prose);
    return found.has_value() && ExactlyEqual(*found, *ParseExactNumber(number));
  };
  EXPECT_TRUE(equals("x = 5", "5"));
  EXPECT_TRUE(equals("5 apples", "5"));
  EXPECT_TRUE(equals("clearly 5, not 6", "5", /*in_prose=*/true));
  EXPECT_FALSE(NumberInAnswer("clearly 5", false).has_value());
  EXPECT_FALSE(NumberInAnswer("2 pi", false).has_value());
  EXPECT_FALSE(NumberInAnswer("5x", false).has_value());
}

}  // namespace
}  // namespace plumb
