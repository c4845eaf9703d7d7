#include <gtest/gtest.h>
#include <re2/re2.h>

#include "reward/verifiers.h"

namespace plumb {
namespace {

TEST(VerifyRegexTest, FindsThePatternAnywhere) {
  const re2::RE2 pattern("####\\s*\\d+");
  EXPECT_EQ(VerifyRegex("so\n#### 12 it is", pattern).value, 1);
  EXPECT_EQ(VerifyRegex("so ### 12", pattern).value, 0);
}

TEST(VerifyFormatTest, WantsTheWholeCompletion) {
  const re2::RE2 pattern("(?s)<think>.*</think>\\s*\\d+");
  EXPECT_EQ(VerifyFormat("<think>a\nb</think> 12", pattern).value, 1);
  EXPECT_EQ(VerifyFormat("<think>a</think> 12 or so", pattern).value, 0);
}

TEST(VerifyFormatTest, SaysThatAPointStopsAtALinesEnd) {
  EXPECT_NE(VerifyFormat("a\nb", re2::RE2("a.*b")).message.find("(?s)"), std::string::npos);
  EXPECT_EQ(VerifyFormat("a\nb", re2::RE2("(?s)a.*c")).message.find("(?s)"), std::string::npos);
  EXPECT_EQ(VerifyFormat("ab", re2::RE2("a.*c")).message.find("(?s)"), std::string::npos);
}

TEST(VerifyFormatTest, DoesNotMatchBytesThatAreNoText) { EXPECT_EQ(VerifyFormat("\xff\xfe", re2::RE2(".*")).value, 0); }

}  // namespace
}  // namespace plumb
