#include <cstdlib>

#include "tests/tools/commands/tiny_policy.h"
#include "tools/bench/benchmarks.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(LoadBenchTest, MeasuresAFolderAgainstItsFiles) {
  const CommandResult result =
      Plumb({"bench", "load", "--model", TinyPolicy(), "--rounds", "3", "--threads", "1", "--dtype", "bfloat16"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json json = Json::parse(result.output);
  EXPECT_EQ(json["benchmark"], "load");
  EXPECT_EQ(json["cache"], "warm");
  EXPECT_EQ(json["threads"], 1);
  // All is stored as float32. In memory the router alone is.
  const double parameters = json["parameters"];
  EXPECT_EQ(json["stored_bytes"], 4 * parameters);
  EXPECT_GT(json["weight_bytes"], 2 * parameters);
  EXPECT_LT(json["weight_bytes"], 2.2 * parameters);
  ASSERT_EQ(json["load"]["seconds"].size(), 3);
  const double rate = json["gigabytes_per_second"];
  EXPECT_NEAR(rate * 1e9 * json["load"]["median"].get<double>(), 4 * parameters, 1e-6 * parameters);
  EXPECT_NEAR(json["share_of_file_bandwidth"].get<double>() * json["file_gigabytes_per_second"].get<double>(), rate,
              1e-6 * rate);
}

TEST(LoadBenchTest, TheExtraMemoryIsAPieceOfTheWeights) {
  // 49 MB in float32, which are read in pieces of a few megabytes.
  const CommandResult result = Plumb({"bench", "load", "--preset", "bench-t", "--rounds", "1", "--threads", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json json = Json::parse(result.output);
  EXPECT_GT(json["weight_bytes"], 40e6);
  EXPECT_LT(json["extra_bytes"], 20e6);
}

TEST(LoadBenchTest, APresetIsWrittenToATemporaryFolderAndRemoved) {
  const TestFolder folder;
  ::setenv("TMPDIR", folder.path().c_str(), 1);
  const CommandResult result = Plumb({"bench", "load", "--preset", "tiny-demo", "--rounds", "1", "--cold"});
  ::unsetenv("TMPDIR");
  EXPECT_EQ(ListFolder(folder.path())->size(), 0);
  if (result.exit_code == 3) GTEST_SKIP() << result.errors << "; set TMPDIR to a folder on a disk";
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(Json::parse(result.output)["cache"], "cold");
}

TEST(LoadBenchFaultTest, WrongOptionsAreNamed) {
  CommandResult result = Plumb({"bench", "load", "--model", "/nowhere"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("/nowhere: no such folder"));
  result = Plumb({"bench", "load", "--dtype", "int8"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("--dtype"));
}

}  // namespace
}  // namespace plumb::cli
