// `plumb grpo` as a user calls it, with its own worker and reward processes.
#include <gmock/gmock.h>

#include "base/file.h"
#include "policy/presets.h"
#include "policy/weights.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class GrpoRunIntegrationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string arithmetic = testing::SourcePath("examples/arithmetic");
    const Json tokenizer = testing::MustReadJson(arithmetic + "/tokenizer.json");
    const int64_t vocabulary =
        static_cast<int64_t>(tokenizer["model"]["vocab"].size() + tokenizer["added_tokens"].size());
    ASSERT_OK_AND_ASSIGN(Json json, PresetConfig("tiny-demo", vocabulary, -1, -1));
    json["num_hidden_layers"] = 2;
    ASSERT_OK_AND_ASSIGN(const ModelConfig config, ParseModelConfig(json));
    ASSERT_OK(MakeFolder(folder_.File("model")));
    ASSERT_OK(SaveWeights(RandomWeights(config, at::kFloat, at::kCPU, 1), folder_.File("model"), arithmetic));
  }

  testing::CommandResult Grpo(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {testing::PlumbProgram(), "grpo", "--config",
                                          testing::SourcePath("examples/arithmetic/grpo.yaml")};
    for (const std::string& value :
         {"model=" + folder_.File("model"), "output=" + folder_.File("run"), std::string("prompts_per_step=2"),
          std::string("group_size=2"), std::string("sampling.max_new_tokens=8"), std::string("compute.threads=1"),
          std::string("rollout.compute.threads=1"), std::string("eval.data.max_rows=4"),
          "data.file=" + testing::SourcePath("examples/arithmetic/train.jsonl"),
          "eval.data.file=" + testing::SourcePath("examples/arithmetic/held_out.jsonl")}) {
      arguments.insert(arguments.end(), {"--set", value});
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return testing::RunCommand(arguments, 60);
  }

  testing::TestFolder folder_;
};

TEST_F(GrpoRunIntegrationTest, LeavesAWholeRunFolderAndResumes) {
  const testing::CommandResult first = Grpo({"--set", "steps=2"});
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> files, ListFolder(folder_.File("run")));
  EXPECT_THAT(files, IsSupersetOf({"checkpoints", "config.yaml", "log.txt", "metrics.jsonl", "reward.log", "rollouts",
                                   "tensorboard", "worker-0.log"}));
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> samples, ListFolder(folder_.File("run/rollouts")));
  EXPECT_THAT(samples, IsSupersetOf({"eval-000000.jsonl", "eval-000002.jsonl", "step-000001.jsonl"}));
  EXPECT_TRUE(FileExists(folder_.File("run/checkpoints/latest/tokenizer.json")));

  const testing::CommandResult second = Grpo({"--set", "steps=3", "--resume"});
  ASSERT_EQ(second.exit_code, 0) << second.errors;
  const std::vector<Json> metrics = testing::MustReadJsonLines(folder_.File("run/metrics.jsonl"));
  ASSERT_EQ(metrics.size(), 4u);
  EXPECT_EQ(metrics[3]["step"], 3);
  EXPECT_TRUE(metrics[3].contains("reward/builtin/math"));
  EXPECT_TRUE(FileExists(folder_.File("run/checkpoints/step-3/model.safetensors")));
}

TEST_F(GrpoRunIntegrationTest, RefusesWhatItCannotTrainOnAtOnce) {
  const testing::CommandResult result = Grpo({"--set", "sampling.top_p=0.9", "--set", "sampling.top_k=5"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("sampling.top_p: is 0.9"), HasSubstr("sampling.top_k: is 5")));
  EXPECT_FALSE(FolderExists(folder_.File("run")));
}

}  // namespace
}  // namespace plumb
