#include "sft/sft_trainer.h"

#include <ATen/ATen.h>

#include "policy/presets.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::MustReadJsonLines;
using ::plumb::testing::SourcePath;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

proto::SftConfig Config(int steps, int batch_size) {
  proto::SftConfig config;
  config.set_model(SourcePath("examples/arithmetic"));  // for the tokenizer's files
  config.set_steps(steps);
  config.set_batch_size(batch_size);
  config.set_micro_batch_tokens(64);
  config.mutable_optimizer()->set_learning_rate(0.01);
  config.mutable_optimizer()->set_epsilon(1e-8);
  config.mutable_optimizer()->set_schedule("linear");
  config.mutable_checkpoint()->set_keep(1);
  return config;
}

SftParts PartsIn(const std::string& folder, size_t num_rows) {
  SftParts parts;
  parts.run = *RunFolder::Open(folder, false);
  parts.metrics = *MetricsWriter::Open(folder, -1);
  parts.weights = RandomWeights(*ParseModelConfig(*PresetConfig("tiny-demo", 16, 0, 1)), at::kFloat, at::kCPU, 3);
  for (size_t i = 0; i < num_rows; ++i) {
    const int64_t id = static_cast<int64_t>(i % 14) + 2;
    parts.rows.push_back({absl::StrCat(i), {id, id, 1}, {false, true, true}});
  }
  return parts;
}

TEST(SftTrainerTest, FollowsTheScheduleAndCountsEpochs) {
  const TestFolder folder;
  SftTrainer trainer(Config(4, 3), PartsIn(folder.path(), 6));
  ASSERT_OK(trainer.Run());
  std::vector<double> rates;
  std::vector<double> epochs;
  for (const Json& line : MustReadJsonLines(folder.File("metrics.jsonl"))) {
    rates.push_back(line["learning_rate"].get<double>());
    epochs.push_back(line["epoch"].get<double>());
    EXPECT_EQ(line["trained_tokens"], 6.0);
  }
  EXPECT_THAT(rates, ElementsAre(0.01, 0.0075, 0.005, 0.0025));
  EXPECT_THAT(epochs, ElementsAre(0.5, 1.0, 1.5, 2.0));
}

TEST(SftTrainerFaultTest, RefusesTheStateOfOtherRows) {
  const TestFolder first;
  SftTrainer trainer(Config(1, 2), PartsIn(first.path(), 6));
  ASSERT_OK(trainer.Run());
  ASSERT_OK_AND_ASSIGN(const TrainerState state, RunFolder::LoadTrainerState(first.File("checkpoints/latest")));
  const TestFolder second;
  SftTrainer other(Config(1, 2), PartsIn(second.path(), 7));
  EXPECT_THAT(other.Restore(state),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("its data rows are others")));
}

TEST(SftTrainerFaultTest, StopsWhenTheWeightsAreBroken) {
  const TestFolder folder;
  SftParts parts = PartsIn(folder.path(), 6);
  parts.weights.final_norm.fill_(std::numeric_limits<float>::quiet_NaN());
  SftTrainer trainer(Config(50, 2), std::move(parts));
  EXPECT_THAT(trainer.Run(), StatusIs(absl::StatusCode::kInternal, HasSubstr("10 optimizer steps were skipped")));
  EXPECT_FALSE(FolderExists(folder.File("checkpoints/latest")));
}

}  // namespace
}  // namespace plumb
