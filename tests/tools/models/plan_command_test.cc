#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::GoldenPath;
using plumb::testing::SourcePath;
using plumb::testing::TestFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(PlanCommandTest, AModelIsPlannedForEveryStage) {
  const CommandResult result = Plumb({"plan", "--config", TinyPolicy() + "/config.json"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("config.json: 808.1 K parameters, 513.2 K active per token"), HasSubstr("load"),
                    HasSubstr("sft"), HasSubstr("grpo"), HasSubstr("weights in bfloat16"),
                    HasSubstr("optimizer: two moments"), HasSubstr("cache"), HasSubstr("fits: ")));
}

TEST(PlanCommandTest, AStagesConfigurationDecidesTheStage) {
  const CommandResult result = Plumb({"plan", "--json", "--config", SourcePath("examples/arithmetic/grpo.yaml"),
                                      "--set", "model=" + TinyPolicy(), "--set", "algorithm.kl_coef=0.1"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json stages = ParseJson(result.output, "output")->at("stages");
  ASSERT_EQ(stages.size(), 2u);
  EXPECT_EQ(stages[1]["stage"], "grpo");
  EXPECT_TRUE(stages[1]["parts"].contains("reference policy"));
  EXPECT_EQ(stages[1]["parts"]["weights"], stages[0]["total_bytes"]);
  EXPECT_TRUE(stages[1]["fits"]);
}

TEST(PlanCommandFaultTest, WrongKeysAndMissingFilesAreNamed) {
  const TestFolder folder;
  EXPECT_EQ(Plumb({"plan", "--config", folder.File("none.yaml")}).exit_code, 2);
  const std::string wrong = WriteTemporary(folder, "wrong.yaml", "model: x\ngroup_sise: 3\n");
  const CommandResult result = Plumb({"plan", "--config", wrong});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("group_sise"));
}

TEST(PlanCommandFaultTest, AModelHasNoKeysOfAStage) {
  const CommandResult keys =
      Plumb({"plan", "--config", TinyPolicy() + "/config.json", "--set", "compute.dtype=bfloat16"});
  EXPECT_EQ(keys.exit_code, 2);
  EXPECT_THAT(keys.errors, HasSubstr("--set: " + TinyPolicy() + "/config.json is a model's"));
  const CommandResult a_folder = Plumb({"plan", "--config", TinyPolicy()});
  EXPECT_EQ(a_folder.exit_code, 2);
  EXPECT_THAT(a_folder.errors, HasSubstr("is a folder, expected"));
}

TEST(PlanCommandTest, TheMemoryOfAnotherMachineMayBeGiven) {
  const std::string config = TinyPolicy() + "/config.json";
  EXPECT_THAT(Plumb({"plan", "--config", config, "--memory", "80"}).output, HasSubstr("fits: 80.0 GB are given"));
  EXPECT_EQ(Plumb({"plan", "--config", config, "--memory", "80"}).exit_code, 0);
  const CommandResult on_gpu =
      Plumb({"plan", "--json", "--config", SourcePath("examples/arithmetic/grpo.yaml"), "--set",
             "model=" + TinyPolicy(), "--set", "compute.device=cuda", "--memory", "80"});
  ASSERT_EQ(on_gpu.exit_code, 0) << on_gpu.errors;
  const Json object = *ParseJson(on_gpu.output, "output");
  EXPECT_EQ(object["available_bytes"], 80e9);
  EXPECT_EQ(object["stages"][1]["fits"], true);
  EXPECT_EQ(Plumb({"plan", "--config", config, "--memory", "-1"}).exit_code, 2);
}

TEST(PlanCommandTest, WhatDoesNotFitEndsWithExitCode3) {
  const std::string config = TinyPolicy() + "/config.json";
  // Loading takes 1.6 MB in bfloat16 and 3.2 MB in float32.
  const std::vector<std::string> words = {"plan", "--config", config, "--memory", "0.002"};
  const CommandResult shown = Plumb(words);
  EXPECT_EQ(shown.exit_code, 3);
  EXPECT_THAT(shown.output,
              AllOf(HasSubstr("  fits: 0.0 GB are given"), HasSubstr("  does not fit: 0.0 GB are given")));
  EXPECT_THAT(shown.errors, HasSubstr(config + ": does not fit into 0.002 GB: load (0.003 GB), sft (0."));
  std::vector<std::string> as_json = words;
  as_json.emplace_back("--json");
  const CommandResult object = Plumb(as_json);
  EXPECT_EQ(object.exit_code, 3);
  EXPECT_EQ(ParseJson(object.output, "output")->at("stages")[1]["fits"], false);
}

TEST(PlanCommandTest, TheMemoryOfAGpuIsNotGuessed) {
  const CommandResult result = Plumb({"plan", "--json", "--config", SourcePath("examples/arithmetic/grpo.yaml"),
                                      "--set", "model=" + TinyPolicy(), "--set", "compute.device=cuda"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(ParseJson(result.output, "output")->at("stages")[1]["fits"].is_null());
}

}  // namespace
}  // namespace plumb::cli
