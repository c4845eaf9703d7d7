#include "train/run_start.h"

#include "base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/config.pb.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::MustRead;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<proto::SftConfig> ConfigOf(const std::string& output, int steps) {
  proto::SftConfig config;
  const auto sources =
      ParseConfig(absl::StrCat("model: m\ndata: {file: f}\nsteps: ", steps, "\noutput: ", output), "test", {}, config);
  if (!sources.ok()) return sources.status();
  return config;
}

absl::Status SaveStep(RunStart& start, int64_t step) {
  TrainerState state;
  state.step = step;
  state.values = {{"stage", start.stage}};
  return start.run->SaveCheckpoint(state, 2, [](const std::string&) { return absl::OkStatus(); });
}

TEST(RunStartTest, AFreshRunStartsFromTheModel) {
  const TestFolder root;
  ASSERT_OK_AND_ASSIGN(RunStart start, FindStart("sft", root.File("run"), "the model", Resume::kNo));
  EXPECT_EQ(start.policy, "the model");
  EXPECT_EQ(start.step(), -1);
  EXPECT_FALSE(FolderExists(root.File("run"))) << "nothing is made before the rows are read";
  ASSERT_OK_AND_ASSIGN(const proto::SftConfig config, ConfigOf(root.File("run"), 5));
  ASSERT_OK(BeginRecords(config, {}, start));
  EXPECT_THAT(MustRead(root.File("run/config.yaml")), HasSubstr("steps: 5"));
}

TEST(RunStartTest, AResumedRunStartsFromItsCheckpointAndLogsWhatChanged) {
  const TestFolder root;
  {
    ASSERT_OK_AND_ASSIGN(RunStart start, FindStart("sft", root.File("run"), "m", Resume::kNo));
    ASSERT_OK_AND_ASSIGN(const proto::SftConfig config, ConfigOf(root.File("run"), 5));
    ASSERT_OK_AND_ASSIGN(const auto metrics, BeginRecords(config, {}, start));
    for (const int64_t step : {1, 2, 3}) ASSERT_OK(metrics->Write(step, {{"loss", 1.0}}));
    ASSERT_OK(SaveStep(start, 2));
  }
  ASSERT_OK_AND_ASSIGN(RunStart start, FindStart("sft", root.File("run"), "m", Resume::kOnSameMachine));
  EXPECT_EQ(start.policy, root.File("run/checkpoints/step-2"));
  EXPECT_EQ(start.step(), 2);
  EXPECT_THAT(MustRead(root.File("run/config.yaml")), HasSubstr("steps: 5")) << "finding out changes nothing";
  ASSERT_OK_AND_ASSIGN(const proto::SftConfig config, ConfigOf(root.File("run"), 9));
  ASSERT_OK(BeginRecords(config, {}, start));
  EXPECT_THAT(MustRead(root.File("run/log.txt")), HasSubstr("changed since the run began: modified: steps: 5 -> 9"));
  EXPECT_THAT(MustRead(root.File("run/metrics.jsonl")), Not(HasSubstr("\"step\":3")));
}

TEST(RunStartTest, ThereMustBeARunToResume) {
  const TestFolder root;
  EXPECT_THAT(FindStart("sft", root.File("run"), "m", Resume::kOnSameMachine).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no run to resume")));
}

}  // namespace
}  // namespace plumb
