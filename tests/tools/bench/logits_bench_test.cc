#include "tests/tools/commands/tiny_policy.h"
#include "tools/bench/benchmarks.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using ::testing::HasSubstr;

TEST(LogitsBenchTest, HeldLogitsTakeAtLeastTheirOwnSize) {
  const CommandResult result =
      Plumb({"bench", "logits", "--rows", "1024", "--vocabulary", "20000", "--width", "32", "--threads", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json json = Json::parse(result.output);
  EXPECT_EQ(json["logits_bytes"], 4.0 * 1024 * 20000);
  EXPECT_EQ(json["plumb"]["gradient_bytes"], 4.0 * (1024 + 20000) * 32);
  EXPECT_GT(json["held_logits"]["extra_over_logits"].get<double>(), 1);
  EXPECT_LT(json["plumb_over_held"].get<double>(), 1);
}

TEST(LogitsBenchFaultTest, WrongOptionsAreRefused) {
  EXPECT_THAT(Plumb({"bench", "logits", "--rows", "0"}).errors, HasSubstr("--rows: 0 is less than 1"));
}

}  // namespace
}  // namespace plumb::cli
