#include "tests/tools/commands/tiny_policy.h"
#include "tools/bench/benchmarks.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using ::testing::HasSubstr;

TEST(PrefillBenchTest, MeasuresEveryLengthAtEveryBatchSize) {
  const CommandResult result = Plumb({"bench", "prefill", "--model", TinyPolicy(), "--batch", "1,2", "--prompt",
                                      "10,20", "--rounds", "1", "--threads", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json json = Json::parse(result.output);
  EXPECT_EQ(json["benchmark"], "prefill");
  ASSERT_EQ(json["cases"].size(), 4);
  EXPECT_EQ(json["cases"][3]["prompt"], 20);
  EXPECT_EQ(json["cases"][3]["batch"], 2);
  EXPECT_GT(json["cases"][3]["prefill"]["tokens_per_second"].get<double>(), 0);
}

TEST(PrefillBenchFaultTest, WrongOptionsAreRefused) {
  EXPECT_THAT(Plumb({"bench", "prefill", "--prompt", "none"}).errors, HasSubstr("--prompt: 'none'"));
}

}  // namespace
}  // namespace plumb::cli
