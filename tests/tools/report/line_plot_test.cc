#include "tools/report/line_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace plumb {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(RoundTicksTest, CoversTheRangeWithRoundNumbers) {
  EXPECT_THAT(RoundTicks(0, 1, 4), ElementsAre(0, DoubleEq(0.2), DoubleEq(0.4), DoubleEq(0.6), DoubleEq(0.8), 1));
  EXPECT_THAT(RoundTicks(-3, 17, 4), ElementsAre(-5, 0, 5, 10, 15, 20));
}

TEST(RoundTicksTest, GivesOneTickForAnEmptyRange) { EXPECT_THAT(RoundTicks(3, 3, 4), ElementsAre(3)); }

TEST(TickLabelsTest, TakeDigitsUntilTheyDiffer) {
  EXPECT_THAT(TickLabels({0.5, 1}, /*percent=*/false), ElementsAre("0.5", "1"));
  EXPECT_THAT(TickLabels({1.00002, 1.00004}, /*percent=*/false), ElementsAre("1.00002", "1.00004"));
  EXPECT_THAT(TickLabels({0.00001, 0.000010002}, /*percent=*/true), ElementsAre("0.001 %", "0.0010002 %"));
}

TEST(LinePlotTest, ANearlyConstantCurveHasDifferentTicks) {
  const std::string svg = LinePlot({{"x", {{1, 1.000001}, {2, 1.000002}}}}, {});
  std::set<std::string> labels;
  size_t count = 0;
  const std::string mark = "text-anchor=\"end\">";
  for (size_t at = svg.find(mark); at != std::string::npos; at = svg.find(mark, at + 1)) {
    labels.insert(svg.substr(at + mark.size(), svg.find('<', at) - at - mark.size()));
    ++count;
  }
  EXPECT_GE(count, 2);
  EXPECT_EQ(labels.size(), count);
}

TEST(SmoothTest, HasNoBiasAtTheStart) {
  // keep = 1/2: (4 + 0.5 * 2) is 5 of weight 1.5.
  const Curve smooth = Smooth({{0, 2}, {1, 4}}, 2);
  EXPECT_DOUBLE_EQ(smooth[0].second, 2);
  EXPECT_DOUBLE_EQ(smooth[1].second, 5 / 1.5);
}

TEST(SmoothTest, LeavesAConstantAlone) {
  for (const auto& [step, value] : Smooth({{0, 3}, {1, 3}, {2, 3}}, 5)) EXPECT_DOUBLE_EQ(value, 3);
}

TEST(LinePlotTest, PutsTheLargestValueAboveTheSmallest) {
  // The frame is 66...526 wide and 12...192 high.
  const std::string svg = LinePlot({{"loss", {{0, 0}, {10, 1}}}}, {});
  EXPECT_THAT(svg, HasSubstr("points=\"66.0,192.0 526.0,12.0\""));
}

TEST(LinePlotTest, DrawsDotsForFewMeasuredPoints) {
  EXPECT_THAT(LinePlot({{"eval", {{0, 0.5}, {20, 0.9}}}}, {.percent = true, .dots = true}),
              AllOf(HasSubstr("<circle"), HasSubstr("100 %"), HasSubstr("90.0 %")));
}

TEST(LinePlotTest, EscapesLabels) { EXPECT_THAT(LinePlot({{"<b>", {{0, 1}, {1, 2}}}}, {}), Not(HasSubstr("<b>"))); }

TEST(LinePlotTest, DrawsFlatAndSingleAndEmptyCurves) {
  for (const Curve& curve : {Curve{{0, 0}, {1, 0}}, Curve{{5, 3}}, Curve{}}) {
    const std::string svg = LinePlot({{"x", curve}}, {});
    EXPECT_THAT(svg, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf")), HasSubstr("</svg>")));
  }
}

}  // namespace
}  // namespace plumb
