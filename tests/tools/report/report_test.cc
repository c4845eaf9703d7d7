#include "tools/report/report.h"

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"
#include "tools/report/headline.h"
#include "tools/report/plot_section.h"
#include "tools/report/report_page.h"
#include "tools/report/sample_section.h"

namespace plumb {
namespace {

using ::plumb::testing::MustRead;
using ::plumb::testing::TestFolder;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

RunRecord RunWithEvals(const std::vector<std::pair<bool, bool>>& before_and_after) {
  RunRecord run;
  for (size_t i = 0; i < before_and_after.size(); ++i) {
    const std::string id = std::to_string(i);
    run.first_eval.push_back({.row_id = id, .prompt = "p" + id, .correct = before_and_after[i].first});
    run.last_eval.push_back({.row_id = id, .prompt = "p" + id, .correct = before_and_after[i].second});
  }
  return run;
}

TEST(ChooseAnswersTest, PutsWhatBecameRightFirstAndUnchangedLast) {
  const RunRecord run = RunWithEvals({{true, true}, {false, false}, {true, false}, {false, true}});
  const std::vector<AnswerPair> pairs = ChooseAnswers(run, 4);
  ASSERT_THAT(pairs, SizeIs(4));
  EXPECT_EQ(pairs[0].after->row_id, "3");
  EXPECT_EQ(pairs[1].after->row_id, "2");
  EXPECT_EQ(pairs[2].after->row_id, "1");
  EXPECT_EQ(pairs[3].after->row_id, "0");
}

TEST(ChooseAnswersTest, KeepsRoomForWhatIsStillWrong) {
  const RunRecord run = RunWithEvals({{false, true}, {false, true}, {false, true}, {false, true}, {false, false}});
  const std::vector<AnswerPair> pairs = ChooseAnswers(run, 3);
  ASSERT_THAT(pairs, SizeIs(3));
  EXPECT_FALSE(pairs.back().after->correct);
}

TEST(HeadlineHtmlTest, ShowsAccuracyBeforeAndAfter) {
  RunRecord run;
  run.metrics = {{"eval/accuracy", {{0, 0.5}, {80, 0.96}}}};
  EXPECT_THAT(HeadlineHtml(run), AllOf(HasSubstr("50.0 %"), HasSubstr("96.0 %"), HasSubstr("+46.0 points")));
}

TEST(HeadlineHtmlTest, ShowsTheFirstAndTheLastLossAsTheChartDoes) {
  RunRecord run;
  run.metrics = {{"loss", {}}};
  for (int step = 1; step <= 100; ++step) run.metrics[0].second.emplace_back(step, 10.0 / step);
  EXPECT_THAT(HeadlineHtml(run), AllOf(HasSubstr(">0.1<"), HasSubstr("from 10 at step 1")));
}

TEST(PlotsHtmlTest, DrawsTheRewardOfASingleVerifierOnce) {
  RunRecord run;
  const Curve curve = {{1, 0.5}, {2, 0.75}};
  run.metrics = {{"reward/mean", curve}, {"reward/builtin", curve}, {"reward/builtin/math", curve}};
  const std::string html = PlotsHtml(run);
  EXPECT_EQ(html.find("<figure"), html.rfind("<figure"));
  EXPECT_THAT(html, HasSubstr("the same as reward/builtin, reward/builtin/math"));
  run.metrics[2].second[1].second = 0.5;
  EXPECT_THAT(PlotsHtml(run), HasSubstr("Reward: builtin/math"));
}

TEST(PlotsHtmlTest, ShowsUnknownMetricsToo) {
  RunRecord run;
  run.metrics = {{"reward/brevity", {{1, 0.5}, {2, 0.6}}}, {"loss", {{1, 3}, {2, 2}}}};
  EXPECT_THAT(PlotsHtml(run), AllOf(HasSubstr("Reward: brevity"), HasSubstr("Loss")));
}

TEST(SamplesHtmlTest, ShowsWhyThereIsNoReward) {
  RunRecord run;
  run.first_sample_step = run.last_sample_step = 1;
  run.first_samples = run.last_samples = {{.row_id = "a", .outcome = "INVALID", .message = "no answer field"}};
  EXPECT_THAT(SamplesHtml(run), AllOf(HasSubstr("INVALID"), HasSubstr("no answer field")));
}

TEST(SamplesHtmlTest, ShowsASingleEvaluationOnce) {
  RunRecord run = RunWithEvals({{false, false}});
  EXPECT_THAT(SamplesHtml(run), Not(HasSubstr("before and after")));
  run.last_eval_step = 20;
  EXPECT_THAT(SamplesHtml(run), AllOf(HasSubstr("before and after"), HasSubstr("<th>Step 20</th>")));
}

TEST(SamplesHtmlTest, PutsTheNoteUnderTheCompletion) {
  RunRecord run;
  run.first_sample_step = run.last_sample_step = 1;
  run.first_samples = run.last_samples = {{.row_id = "a", .completion = "c", .reward = 1, .message = "why"}};
  EXPECT_THAT(SamplesHtml(run), HasSubstr("<pre>c</pre><small>"));
  EXPECT_THAT(RenderReport(run), HasSubstr("li small { grid-column: 2;"));
}

TEST(RenderReportTest, SaysWhatRanAndWhen) {
  RunRecord run;
  run.stage = "GRPO";
  run.model = "runs/a";
  run.date = "2026-11-25";
  EXPECT_THAT(RenderReport(run), AllOf(HasSubstr("<title>GRPO of runs/a - Plumb</title>"),
                                       HasSubstr("<h1>GRPO of runs/a</h1>"), HasSubstr("2026-11-25")));
}

TEST(RenderReportTest, EscapesEveryTextOfTheRun) {
  const std::string attack = "<script>alert(1)</script>";
  RunRecord run;
  run.name = run.config = run.stage = run.model = run.date = attack;
  run.metrics = {{attack, {{1, 1}, {2, 2}}}};
  run.first_samples = run.last_samples = {{.row_id = attack,
                                           .prompt = attack,
                                           .completion = attack,
                                           .reward = 1,
                                           .outcome = attack,
                                           .message = attack,
                                           .finish_reason = attack}};
  run.first_eval = run.last_eval = {{.row_id = attack, .prompt = attack, .completion = attack}};
  EXPECT_THAT(RenderReport(run), Not(HasSubstr(attack)));
}

TEST(RenderReportTest, RefersToNothingOutsideItself) {
  const std::string page = RenderReport(RunRecord());
  EXPECT_THAT(page, AllOf(Not(HasSubstr("http")), Not(HasSubstr("src=")), Not(HasSubstr("@import"))));
}

TEST(WriteReportTest, WritesThePageIntoTheRunFolder) {
  TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("metrics.jsonl"), "{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"loss\": 1}\n"));
  ASSERT_OK(WriteFileAtomic(folder.File("config.yaml"), "steps: 2  # default\n"));
  ASSERT_OK_AND_ASSIGN(const std::string path, WriteReport(folder.path()));
  EXPECT_EQ(path, folder.File("report.html"));
  EXPECT_THAT(MustRead(path), AllOf(HasSubstr("Loss"), HasSubstr("steps: 2  # default")));
}

}  // namespace
}  // namespace plumb
