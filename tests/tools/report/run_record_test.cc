#include "tools/report/run_record.h"

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(AddMetricLinesTest, CollectsCurvesAndLeavesNullsOut) {
  RunRecord run;
  ASSERT_OK(AddMetricLines("{\"step\": 1, \"loss\": 2.5}\n{\"step\": 2, \"loss\": null, \"kl\": 1}\n", "m", run));
  EXPECT_THAT(MetricCurve(run, "loss"), ElementsAre(Pair(1, 2.5)));
  EXPECT_THAT(MetricCurve(run, "kl"), ElementsAre(Pair(2, 1)));
  EXPECT_THAT(MetricCurve(run, "absent"), IsEmpty());
  EXPECT_EQ(run.last_step, 2);
}

TEST(AddMetricLinesTest, LeavesAHalfWrittenLastLineOut) {
  RunRecord run;
  ASSERT_OK(AddMetricLines("{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"lo", "m", run));
  EXPECT_EQ(run.last_step, 1);
}

TEST(AddMetricLinesTest, NamesTheDamagedLine) {
  RunRecord run;
  EXPECT_THAT(AddMetricLines("{\"step\": 1}\nno\n", "metrics.jsonl", run),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("metrics.jsonl:2")));
  EXPECT_THAT(AddMetricLines("{\"loss\": 1}\n", "metrics.jsonl", run),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("metrics.jsonl:1: step")));
}

TEST(ParseSamplesTest, KeepsAMissingRewardApartFromZero) {
  ASSERT_OK_AND_ASSIGN(
      const auto samples,
      ParseSamples("{\"row_id\":\"a\",\"reward\":null,\"outcome\":\"FAILED\"}\n{\"reward\":0}\n", "s"));
  EXPECT_FALSE(samples[0].reward.has_value());
  EXPECT_EQ(samples[0].outcome, "FAILED");
  EXPECT_EQ(samples[1].reward, 0);
}

TEST(ReadRunTest, TakesTheFirstAndTheLastFilesByNumber) {
  TestFolder folder;
  ASSERT_OK(MakeFolder(folder.File("rollouts")));
  ASSERT_OK(WriteFileAtomic(folder.File("metrics.jsonl"), "{\"step\": 1}\n"));
  for (const std::string step : {"9", "10", "100"}) {
    ASSERT_OK(WriteFileAtomic(folder.File("rollouts/step-" + step + ".jsonl"), "{\"row_id\":\"" + step + "\"}\n"));
    ASSERT_OK(WriteFileAtomic(folder.File("rollouts/eval-" + step + ".jsonl"), "{\"correct\":true}\n"));
  }
  ASSERT_OK_AND_ASSIGN(const RunRecord run, ReadRun(folder.path()));
  EXPECT_EQ(run.first_sample_step, 9);
  EXPECT_EQ(run.last_sample_step, 100);
  EXPECT_EQ(run.last_samples[0].row_id, "100");
  EXPECT_TRUE(run.first_eval[0].correct);
}

TEST(ReadRunTest, TakesStageModelAndDateFromTheFolder) {
  TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("metrics.jsonl"), "{\"step\": 1}\n"));
  ASSERT_OK(WriteFileAtomic(folder.File("config.yaml"), "model: \"a b\"  # x.yaml:1:1\ngroup_size: 8  # default\n"));
  ASSERT_OK(WriteFileAtomic(folder.File("log.txt"), "2026-11-25T02:01:14.186580Z I grpo: hello\n"));
  ASSERT_OK_AND_ASSIGN(const RunRecord run, ReadRun(folder.path()));
  EXPECT_EQ(run.stage, "GRPO");
  EXPECT_EQ(run.model, "a b");
  EXPECT_EQ(run.date, "2026-11-25");
}

TEST(ReadRunTest, NamesTheMissingFile) {
  TestFolder folder;
  EXPECT_THAT(ReadRun(folder.path()), StatusIs(absl::StatusCode::kNotFound, HasSubstr("metrics.jsonl")));
}

}  // namespace
}  // namespace plumb
