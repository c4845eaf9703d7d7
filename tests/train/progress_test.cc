#include "train/progress.h"

#include <gmock/gmock.h>

namespace plumb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Collects what is shown, at a clock that the test moves.
struct Screen {
  absl::Time now = absl::UnixEpoch();
  std::vector<std::string> writes;
  std::vector<std::string> lines;

  ProgressOutput Output(bool terminal, int columns = 80) {
    ProgressOutput output;
    output.terminal = terminal;
    output.columns = columns;
    output.write = [this](absl::string_view text) { writes.emplace_back(text); };
    output.log = [this](absl::string_view line) { lines.emplace_back(line); };
    output.now = [this] { return now; };
    return output;
  }
};

TEST(ProgressTest, LogsAtMostEveryTenSecondsAndAtTheEnd) {
  Screen screen;
  Progress progress(screen.Output(false), 30, "step");
  for (int step = 0; step <= 30; ++step) {
    progress.Show(step, {{"loss", 0.5}});
    screen.now += absl::Seconds(1);
  }
  EXPECT_THAT(screen.lines, ElementsAre("step 0/30: loss 0.5", "step 10/30: 20s left | loss 0.5",
                                        "step 20/30: 10s left | loss 0.5", "step 30/30: loss 0.5"));
  EXPECT_THAT(screen.writes, IsEmpty());
}

TEST(ProgressTest, RedrawsOneLineOnATerminal) {
  Screen screen;
  {
    Progress progress(screen.Output(true), 4, "step");
    progress.Show(0);
    progress.Show(1);  // Within a tenth of a second: not drawn.
    screen.now += absl::Seconds(90);
    progress.Show(2, {{"loss", 0.125}});
  }
  EXPECT_THAT(screen.writes, ElementsAre("\r\033[Kstep 0/4 [>                   ]\r",
                                         "\r\033[Kstep 2/4 [==========>         ] 1m30s left | loss 0.125\r", "\n"));
}

TEST(ProgressTest, LinesAreCutToTheTerminal) {
  Screen screen;
  {
    Progress progress(screen.Output(true, 11), 4, "step");
    progress.Show(0);
  }
  EXPECT_THAT(screen.writes, ElementsAre("\r\033[Kstep 0/4 [\r", "\n"));
}

TEST(ProgressTest, TimeLeftHasTwoUnitsAtMost) {
  EXPECT_EQ(FormatTimeLeft(absl::Seconds(59)), "59s");
  EXPECT_EQ(FormatTimeLeft(absl::Seconds(250)), "4m10s");
  EXPECT_EQ(FormatTimeLeft(absl::Minutes(62)), "1h02m");
  EXPECT_EQ(FormatTimeLeft(-absl::Seconds(1)), "0s");
}

}  // namespace
}  // namespace plumb
