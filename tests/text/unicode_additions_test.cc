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

TEST(UnicodeAdditionsTest, NormalFormsKnowUnicode9) {
  for (const int32_t unknown : {0x558, 0x32FF, 0x10781, 0x11938, 0x1E6F5, 0x1FBF0, 0x1FBF9}) {
    EXPECT_TRUE(IsUnknownToNormalForms(unknown)) << unknown;
  }
  for (const int32_t known : {0, 0x41, 0x557, 0x559, 0xE9, 0xAC00, 0x1D15E, 0x1F16B, 0x1FBFA, 0x2F800, 0x10FFFF}) {
    EXPECT_FALSE(IsUnknownToNormalForms(known)) << known;
  }
}

}  // namespace
}  // namespace plumb
