#include "tools/bench/rounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb::cli {
namespace {

using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(RoundsTest, TheMedianOfAnEvenNumberIsTheLowerMiddle) {
  EXPECT_EQ(MedianSeconds({{3, ""}, {1, ""}, {2, ""}}), 2);
  EXPECT_EQ(MedianSeconds({{4, ""}, {1, ""}, {3, ""}, {2, ""}}), 2);
  const Json json = RoundsJson({{3, ""}, {1, ""}, {2, ""}});
  EXPECT_EQ(json.dump(), R"({"seconds":[3.0,1.0,2.0],"fastest":1.0,"median":2.0})");
}

TEST(PeerRoundTest, ReadsTheLineOfThePeer) {
  const TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("peer.sh"), "echo \"{\\\"seconds\\\": 2.5, \\\"digest\\\": \\\"$1\\\"}\"\n"));
  ASSERT_OK_AND_ASSIGN(const BenchRound round, PeerRound("sh " + folder.File("peer.sh"), {"abc"}));
  EXPECT_EQ(round.seconds, 2.5);
  EXPECT_EQ(round.digest, "abc");
}

TEST(PeerRoundTest, NamesWhatThePeerLacks) {
  EXPECT_THAT(PeerRound("echo", {"{\"seconds\": 1}"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("digest is missing")));
  EXPECT_THAT(PeerRound("true", {}), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("peer")));
  EXPECT_THAT(PeerRound("", {}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no program")));
}

}  // namespace
}  // namespace plumb::cli
