#include "grpo/sample_log.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::testing::ElementsAre;

const PromptRow kRow = {.id = "r7", .prompt = "1 + 1 =", .row_json = R"({"answer":"2"})"};

ScoredGroup OneGroup() {
  ScoredGroup group;
  group.row = &kRow;
  group.members.resize(2);
  group.members[0].completion.text = "2";
  group.members[0].completion.ids = {4, 0};
  group.members[0].completion.weight_steps = {11, 11};
  group.members[0].completion.finish_reason = FinishReason::kStop;
  group.members[0].reward.outcome = RewardOutcome::kScored;
  group.members[0].reward.value = 1;
  group.members[0].reward.components = {{"builtin/math", 1}};
  group.members[0].advantage = 0.5;
  group.members[1].reward.outcome = RewardOutcome::kAbstained;
  group.members[1].reward.message = "cannot tell";
  return group;
}

TEST(SampleLogTest, HasOneLinePerCompletion) {
  testing::TestFolder folder;
  ASSERT_OK(WriteStepSamples(folder.path(), 12, {OneGroup()}));
  const std::vector<Json> lines = testing::MustReadJsonLines(folder.File("rollouts/step-000012.jsonl"));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(DumpJson(lines[0]),
            R"({"step":12,"row_id":"r7","sample":0,"prompt":"1 + 1 =","completion":"2","reward":1.0,)"
            R"("outcome":"SCORED","components":{"builtin/math":1.0},"message":"","advantage":0.5,)"
            R"("finish_reason":"stop","tokens":2,"weight_step":11})");
  EXPECT_TRUE(lines[1]["reward"].is_null()) << "an abstention never becomes a zero";
  EXPECT_EQ(lines[1]["message"], "cannot tell");
}

TEST(SampleLogTest, EvalLinesCarryTheRow) {
  EvalReport report;
  report.answers.resize(1);
  report.answers[0].row = &kRow;
  report.answers[0].reward.outcome = RewardOutcome::kScored;
  report.answers[0].correct = true;
  const std::string lines = EvalLines(3, report);
  EXPECT_EQ(lines,
            R"({"step":3,"row_id":"r7","prompt":"1 + 1 =","completion":"","answer_row":{"answer":"2"},"reward":0.0,)"
            R"("correct":true,"components":{}})"
            "\n");
}

TEST(SampleLogTest, CutsLaterSteps) {
  testing::TestFolder folder;
  EXPECT_OK(CutSampleLog(folder.path(), 1));
  for (const int step : {1, 2, 3}) ASSERT_OK(WriteStepSamples(folder.path(), step, {}));
  ASSERT_OK(WriteEvalSamples(folder.path(), 2, EvalReport()));
  ASSERT_OK(WriteFileAtomic(folder.File("rollouts/notes.txt"), "mine"));
  ASSERT_OK(CutSampleLog(folder.path(), 1));
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListFolder(folder.File("rollouts")));
  EXPECT_THAT(names, ElementsAre("notes.txt", "step-000001.jsonl"));
}

}  // namespace
}  // namespace plumb
