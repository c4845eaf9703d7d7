#include "base/config_suggestion.h"

#include <gmock/gmock.h>

namespace plumb {
namespace {

TEST(ConfigSuggestionTest, CountsEdits) {
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("setps", "steps"), 1);
}

TEST(ConfigSuggestionTest, NamesTheNearestCandidate) {
  EXPECT_EQ(DidYouMean("clip_hihg", {"clip_low", "clip_high"}), "; did you mean clip_high?");
  EXPECT_EQ(DidYouMean("zzz", {"clip_low", "clip_high"}), "");
  EXPECT_EQ(DidYouMean("x", {}), "");
}

}  // namespace
}  // namespace plumb
