#include "tests/tools/commands/tiny_policy.h"
#include "tools/bench/benchmarks.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using ::testing::HasSubstr;

TEST(SftBenchTest, TheFastestMicroBatchIsTheResult) {
  const CommandResult result = Plumb({"bench", "sft", "--preset", "tiny-demo", "--batch", "4", "--length", "32",
                                      "--micro-batch-tokens", "32,128", "--rounds", "1", "--threads", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json json = Json::parse(result.output);
  EXPECT_EQ(json["benchmark"], "sft");
  ASSERT_EQ(json["cases"].size(), 2);
  double fastest = 0;
  for (const Json& one : json["cases"]) {
    const double rate = one["step"]["tokens_per_second"];
    EXPECT_NEAR(rate * one["step"]["median"].get<double>(), 4 * 32, 1e-9);
    fastest = std::max(fastest, rate);
  }
  EXPECT_EQ(json["best"]["step"]["tokens_per_second"], fastest);
  EXPECT_GT(json["best"]["step"]["share_of_fma_peak"].get<double>(), 0);
}

TEST(SftBenchFaultTest, WrongOptionsAreRefused) {
  EXPECT_THAT(Plumb({"bench", "sft", "--micro-batch-tokens", "0"}).errors, HasSubstr("--micro-batch-tokens: '0'"));
  EXPECT_THAT(Plumb({"bench", "sft", "--length", "1"}).errors, HasSubstr("--length: 1 is less than 2"));
}

}  // namespace
}  // namespace plumb::cli
