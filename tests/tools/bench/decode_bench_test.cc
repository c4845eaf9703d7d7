#include "tests/tools/commands/tiny_policy.h"
#include "tools/bench/benchmarks.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using ::testing::HasSubstr;

TEST(DecodeBenchTest, MeasuresAFolderAtEachBatchSize) {
  const CommandResult result = Plumb({"bench", "decode", "--model", TinyPolicy(), "--batch", "1,3", "--prompt", "10",
                                      "--new", "4", "--rounds", "1", "--threads", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json json = Json::parse(result.output);
  EXPECT_EQ(json["benchmark"], "decode");
  EXPECT_EQ(json["model"], "policy");
  ASSERT_EQ(json["cases"].size(), 2);
  EXPECT_EQ(json["cases"][1]["batch"], 3);
  EXPECT_GT(json["cases"][1]["decode"]["share_of_bound"].get<double>(), 0);
  EXPECT_GT(json["fma_gflops"].get<double>(), 0);
  EXPECT_GT(json["peak_memory_gigabytes"].get<double>(), 0);
}

TEST(DecodeBenchFaultTest, WrongOptionsAreRefused) {
  EXPECT_THAT(Plumb({"bench", "decode", "--batch", "1;8"}).errors, HasSubstr("--batch: '1;8'"));
  EXPECT_THAT(Plumb({"bench", "decode", "--new", "1"}).errors, HasSubstr("--new: 1 is less than 2"));
  EXPECT_EQ(Plumb({"bench", "decode", "--model", "/nowhere"}).exit_code, 2);
}

}  // namespace
}  // namespace plumb::cli
