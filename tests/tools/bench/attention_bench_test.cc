#include "tests/tools/commands/tiny_policy.h"
#include "tools/bench/benchmarks.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;

TEST(AttentionBenchTest, MeasuresTheWantedCasesAgainstThePeak) {
  const CommandResult result =
      Plumb({"bench", "attention", "--rounds", "1", "--threads", "1", "--model", "bench-t", "--longest", "192"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json json = Json::parse(result.output);
  ASSERT_EQ(json["cases"].size(), 3);  // one sequence, and 64 with and without a common prompt
  const Json& first = json["cases"][0];
  EXPECT_EQ(first["model"], "bench-t");
  EXPECT_EQ(first["context"], 192);
  EXPECT_EQ(json["cases"][2]["group_size"], 8);
  const double flops = 2.0 * 192 * 8 * (80 + 64);
  EXPECT_NEAR(first["gflops"].get<double>() * 1e9 * first["seconds"].get<double>(), flops, 1e-6 * flops);
  EXPECT_NEAR(first["share_of_fma_peak"].get<double>() * json["fma_peak_gflops"].get<double>(),
              first["gflops"].get<double>(), 1e-6 * first["gflops"].get<double>());
}

}  // namespace
}  // namespace plumb::cli
