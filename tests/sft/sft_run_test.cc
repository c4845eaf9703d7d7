#include <csignal>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "policy/policy_folder.h"
#include "policy/presets.h"
#include "sft/sft_trainer.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::MustRead;
using ::plumb::testing::MustReadJsonLines;
using ::plumb::testing::SourcePath;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::HasSubstr;

// A random policy with the demo's tokenizer, and a few sums to learn.
class SftRunIntegrationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(MakeFolder(Model()));
    const std::string tokenizer = SourcePath("examples/arithmetic");
    ASSERT_OK_AND_ASSIGN(const auto codec, TextCodec::Load(tokenizer));
    ASSERT_OK_AND_ASSIGN(const Json json,
                         PresetConfig("tiny-demo", codec->tokenizer().size(), codec->bos_id(), codec->eos_id()));
    ASSERT_OK_AND_ASSIGN(const ModelConfig model, ParseModelConfig(json));
    ASSERT_OK(SaveWeights(RandomWeights(model, at::kFloat, at::kCPU, 1), Model(), tokenizer));
    std::string rows;
    for (int i = 0; i < 12; ++i) {
      absl::StrAppend(&rows, R"({"prompt": ")", i, " + 3 = \", \"completion\": \"", i + 3, "\"}\n");
    }
    ASSERT_OK(WriteFileAtomic(root_.File("rows.jsonl"), rows));
  }

  std::string Model() const { return root_.File("model"); }

  proto::SftConfig Config(const std::string& run, int steps) const {
    proto::SftConfig config;
    const std::string yaml = absl::StrCat(
        "model: ", Model(), "\noutput: ", root_.File(run), "\nsteps: ", steps, "\nbatch_size: 5\n",
        "micro_batch_tokens: 32\neval_every_steps: 2\ndata: {file: ", root_.File("rows.jsonl"),
        ", prompt_template: \"{prompt}\", completion_template: \"{completion}\"}\neval_data: {file: ",
        root_.File("rows.jsonl"), ", prompt_template: \"{prompt}\", completion_template: \"{completion}\"}\n",
        "optimizer: {learning_rate: 3e-3, weight_decay: 0.01}\ncheckpoint: {every_steps: 2}\ncompute: {threads: 1}\n");
    const absl::StatusOr<ConfigSources> sources = ParseConfig(yaml, "test.yaml", {}, config);
    EXPECT_THAT(sources, IsOk());
    return config;
  }

  // The losses of a run's steps.
  std::vector<double> Losses(const std::string& run) const {
    std::vector<double> losses;
    for (const Json& line : MustReadJsonLines(root_.File(run + "/metrics.jsonl"))) {
      EXPECT_EQ(line["step"].get<size_t>(), losses.size() + 1);
      losses.push_back(line["loss"].get<double>());
    }
    return losses;
  }

  const TestFolder root_;
};

TEST_F(SftRunIntegrationTest, LearnsAFewRowsAndLeavesAPolicyFolder) {
  ASSERT_OK(RunSft(Config("run", 30), {}, Resume::kNo));
  const std::vector<Json> metrics = MustReadJsonLines(root_.File("run/metrics.jsonl"));
  ASSERT_EQ(metrics.size(), 30u);
  EXPECT_LT(metrics.back()["loss"].get<double>(), 0.5 * metrics.front()["loss"].get<double>());
  EXPECT_LT(metrics.back()["eval/loss"].get<double>(), 0.5 * metrics.front()["loss"].get<double>());
  EXPECT_FALSE(metrics.front().contains("eval/loss"));
  for (const char* key :
       {"grad_norm", "learning_rate", "tokens_per_second", "trained_tokens", "skipped_steps", "time/step"}) {
    EXPECT_TRUE(metrics.front().contains(key)) << key;
  }
  const std::string latest = root_.File("run/checkpoints/latest");
  EXPECT_OK(LoadPolicyFolder(latest, at::kFloat, at::kCPU));
  EXPECT_OK(TextCodec::Load(latest));
  EXPECT_TRUE(FileExists(root_.File("run/config.yaml")));
  EXPECT_TRUE(FileExists(root_.File("run/log.txt")));
}

TEST_F(SftRunIntegrationTest, AResumedRunRepeatsTheUninterruptedOne) {
  ASSERT_OK(RunSft(Config("whole", 7), {}, Resume::kNo));
  ASSERT_OK(RunSft(Config("parts", 5), {}, Resume::kNo));
  // As if it had been killed in step 5: what came after the checkpoint of step 4 is done again.
  ASSERT_OK(RemoveFolder(root_.File("parts/checkpoints/step-5")));
  ASSERT_OK(RunSft(Config("parts", 7), {}, Resume::kOnSameMachine));
  EXPECT_EQ(Losses("parts"), Losses("whole"));
  EXPECT_EQ(MustRead(root_.File("parts/checkpoints/latest/model.safetensors")),
            MustRead(root_.File("whole/checkpoints/latest/model.safetensors")));
  EXPECT_EQ(MustRead(root_.File("parts/checkpoints/latest/trainer_state.safetensors")),
            MustRead(root_.File("whole/checkpoints/latest/trainer_state.safetensors")));
}

TEST_F(SftRunIntegrationTest, BfloatRunsResumeToTheSameBitsToo) {
  const auto config = [&](const char* run, int steps) {
    proto::SftConfig config = Config(run, steps);
    config.mutable_compute()->set_dtype("bfloat16");
    return config;
  };
  ASSERT_OK(RunSft(config("whole", 4), {}, Resume::kNo));
  ASSERT_OK(RunSft(config("parts", 2), {}, Resume::kNo));
  ASSERT_OK(RunSft(config("parts", 4), {}, Resume::kOnSameMachine));
  EXPECT_EQ(Losses("parts"), Losses("whole"));
}

TEST_F(SftRunIntegrationTest, AnotherMachineGoesOnOnlyWhereThatIsAllowed) {
  proto::SftConfig config = Config("run", 2);
  config.mutable_compute()->set_threads(1);
  ASSERT_OK(RunSft(config, {}, Resume::kNo));
  config.set_steps(3);
  config.mutable_compute()->set_threads(2);
  EXPECT_THAT(RunSft(config, {}, Resume::kOnSameMachine),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1 threads, now 2 (compute.threads)")));
  EXPECT_EQ(Losses("run").size(), 2u);
  EXPECT_OK(RunSft(config, {}, Resume::kOnAnyMachine));
  EXPECT_EQ(Losses("run").size(), 3u);
}

TEST_F(SftRunIntegrationTest, OtherDataOrAnUnknownModelEndInClearErrors) {
  ASSERT_OK(RunSft(Config("run", 2), {}, Resume::kNo));
  EXPECT_THAT(RunSft(Config("run", 2), {}, Resume::kNo),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("--resume")));
  proto::SftConfig other_seed = Config("run", 4);
  other_seed.set_seed(9);
  EXPECT_THAT(RunSft(other_seed, {}, Resume::kOnSameMachine),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("its seed is 0, not 9")));
  proto::SftConfig no_model = Config("new", 2);
  no_model.set_model(root_.File("nothing"));
  EXPECT_THAT(RunSft(no_model, {}, Resume::kNo), StatusIs(absl::StatusCode::kNotFound, HasSubstr("nothing")));
  EXPECT_FALSE(FolderExists(root_.File("new")));
}

using SftRunDeathTest = SftRunIntegrationTest;

TEST_F(SftRunDeathTest, AnInterruptSavesTheStateAndSaysSo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        InstallInterruptHandler();
        std::raise(SIGTERM);
        const absl::Status status = RunSft(Config("run", 1000), {}, Resume::kNo);
        const bool saved = FileExists(root_.File("run/checkpoints/latest/manifest.json"));
        (void)RemoveFolder(root_.path());  // _Exit runs no destructors
        std::_Exit(absl::IsCancelled(status) && saved ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace plumb
