#include "tests/tools/commands/tiny_policy.h"
#include "tools/bench/benchmarks.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using ::testing::HasSubstr;

std::vector<std::string> SmallBench(const std::string& model) {
  return {"bench",    "grpo", "--model", model, "--prompts", "2", "--group-size", "2",
          "--prompt", "5",    "--new",   "4",   "--rounds",  "2", "--threads",    "1"};
}

TEST(GrpoBenchTest, TimesTheStepsOfARealRun) {
  const CommandResult result = Plumb(SmallBench(TinyPolicy()));
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json json = Json::parse(result.output);
  EXPECT_EQ(json["benchmark"], "grpo");
  ASSERT_EQ(json["step_seconds"].size(), 2);
  const Json& seconds = json["seconds"];
  EXPECT_GT(seconds["rollout"].get<double>(), 0);
  EXPECT_GT(seconds["train"].get<double>(), 0);
  EXPECT_GE(seconds["step"].get<double>(), seconds["train"].get<double>());
  EXPECT_LE(json["completion_tokens"].get<double>(), 4);
  EXPECT_GT(json["share_of_bound"].get<double>(), 0);
  EXPECT_GT(json["worker_peak_memory_gigabytes"].get<double>(), 0);
}

TEST(GrpoBenchFaultTest, AModelIsNeeded) {
  EXPECT_THAT(Plumb({"bench", "grpo"}).errors, HasSubstr("--model"));
  EXPECT_THAT(Plumb(SmallBench("/nowhere")).errors, HasSubstr("/nowhere"));
}

}  // namespace
}  // namespace plumb::cli
