#include "text/unicode_additions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace plumb {
namespace {

TEST(UnicodeAdditionsTest, MembersOfACategoryAndOfAGroup) {
  EXPECT_EQ(AddedClassMembers("Pd"), "\\x{10D6E}");
  EXPECT_EQ(AddedClassMembers("Lt"), "");
  EXPECT_TRUE(absl::StrContains(AddedClassMembers("L"), "\\x{31350}-\\x{323AF}"));
  EXPECT_TRUE(absl::StrContains(AddedClassMembers("Lu"), "\\x{1C89}"));
  EXPECT_FALSE(absl::StrContains(AddedClassMembers("Ll"), "\\x{1C89}"));
}

TEST(UnicodeAdditionsTest, NumbersAreTheAddedOnes) {
  EXPECT_TRUE(IsAddedNumeric(0x10D40));
  EXPECT_TRUE(IsAddedNumeric(0x16FF6));
  EXPECT_FALSE(IsAddedNumeric('1'));
  EXPECT_FALSE(IsAddedNumeric(0x31350));
}

}  // namespace
}  // namespace plumb
