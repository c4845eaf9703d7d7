#include "tools/report/line_plot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tools/report/html_text.h"

namespace plumb {
namespace {

constexpr double kWidth = 540;
constexpr double kHeight = 220;
constexpr double kLeft = 66;
constexpr double kRight = 14;
constexpr double kTop = 12;
constexpr double kBottom = 28;
constexpr int kNumColors = 4;
constexpr double kFlat = 1e-4;      // a smaller change, as a share of the value, is drawn as a flat line
constexpr size_t kSmoothFrom = 20;  // points; shorter curves are shown as they are

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void Include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

// Where steps and values lie in the picture.
struct Frame {
  Range x, y;
  double X(double step) const { return kLeft + (step - x.low) / (x.high - x.low) * (kWidth - kLeft - kRight); }
  double Y(double value) const {
    return kHeight - kBottom - (value - y.low) / (y.high - y.low) * (kHeight - kTop - kBottom);
  }
};

void Widen(Range& range) {
  if (range.low > range.high) range = {0, 1};
  const double size = std::max(std::fabs(range.low), std::fabs(range.high));
  if (range.high - range.low > kFlat * size) return;
  const double margin = range.high == 0 ? 1 : std::fabs(range.high) * 0.1;
  range = {range.low - margin, range.high + margin};
}

Frame MakeFrame(const std::vector<PlotSeries>& series, const PlotOptions& options, std::vector<double>& y_ticks) {
  Frame frame;
  for (const PlotSeries& one : series) {
    for (const auto& [step, value] : one.curve) {
      frame.x.Include(step);
      frame.y.Include(value);
    }
  }
  const bool never_negative = frame.y.low >= 0;
  Widen(frame.x);
  Widen(frame.y);
  // Zero is shown where it is near: a curve's height then means something.
  if (never_negative && (frame.y.low < 0.5 * frame.y.high || options.percent)) frame.y.low = 0;
  if (options.percent && frame.y.high > 0.5) frame.y.high = 1;
  y_ticks = RoundTicks(frame.y.low, frame.y.high, 4);
  frame.y.low = std::min(frame.y.low, y_ticks.front());
  frame.y.high = std::max(frame.y.high, y_ticks.back());
  return frame;
}

std::string Axes(const Frame& frame, const std::vector<double>& y_ticks, bool percent) {
  std::string svg;
  const std::vector<std::string> labels = TickLabels(y_ticks, percent);
  for (size_t i = 0; i < y_ticks.size(); ++i) {
    const double y = frame.Y(y_ticks[i]);
    absl::StrAppendFormat(&svg, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", kLeft,
                          kWidth - kRight, y, y);
    absl::StrAppendFormat(&svg, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>", kLeft - 8,
                          y + 4, labels[i]);
  }
  for (const double tick : RoundTicks(frame.x.low, frame.x.high, 6)) {
    if (tick < frame.x.low || tick > frame.x.high || tick != std::floor(tick)) continue;
    absl::StrAppendFormat(&svg, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>",
                          frame.X(tick), kHeight - 8, ShortNumber(tick));
  }
  return svg;
}

std::string Polyline(const Frame& frame, const Curve& curve, const std::string& css_class) {
  std::vector<std::string> points;
  for (const auto& [step, value] : curve) {
    points.push_back(absl::StrFormat("%.1f,%.1f", frame.X(step), frame.Y(value)));
  }
  return absl::StrCat("<polyline class=\"", css_class, "\" points=\"", absl::StrJoin(points, " "), "\"/>");
}

std::string SeriesLine(const Frame& frame, const PlotSeries& series, int color, const PlotOptions& options) {
  const std::string name = absl::StrCat("line s", color % kNumColors);
  if (options.dots || !options.smooth || series.curve.size() < kSmoothFrom) {
    std::string svg = Polyline(frame, series.curve, name);
    if (!options.dots && series.curve.size() > 1) return svg;
    for (const auto& [step, value] : series.curve) {
      absl::StrAppendFormat(&svg, "<circle class=\"dot s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>", color % kNumColors,
                            frame.X(step), frame.Y(value));
    }
    return svg;
  }
  const double span = std::max(4.0, static_cast<double>(series.curve.size()) / 40);
  return Polyline(frame, series.curve, absl::StrCat(name, " raw")) + Polyline(frame, Smooth(series.curve, span), name);
}

// The points for the pointer script: label, then x,y in the picture and the text to show.
std::string PointAttributes(const Frame& frame, const PlotSeries& series, int color, bool percent) {
  std::vector<std::string> points;
  for (const auto& [step, value] : series.curve) {
    points.push_back(absl::StrFormat("%.1f,%.1f,%s,%s", frame.X(step), frame.Y(value), ShortNumber(step),
                                     percent ? Percent(value) : ShortNumber(value)));
  }
  return absl::StrCat("<g class=\"points\" data-color=\"", color % kNumColors, "\" data-label=\"",
                      EscapeHtml(series.label), "\" data-points=\"", absl::StrJoin(points, ";"), "\"></g>");
}

}  // namespace

std::vector<double> RoundTicks(double low, double high, int count) {
  const double raw = (high - low) / count;
  if (!(raw > 0) || !std::isfinite(raw)) return {low};
  const double power = std::pow(10, std::floor(std::log10(raw)));
  const double ratio = raw / power;
  const double gap = power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
  std::vector<double> ticks;
  for (double k = std::floor(low / gap + 1e-9); k <= std::ceil(high / gap - 1e-9); ++k) ticks.push_back(k * gap);
  return ticks;
}

std::vector<std::string> TickLabels(const std::vector<double>& ticks, bool percent) {
  std::vector<std::string> labels;
  for (int digits = 4; digits <= 15; ++digits) {
    labels.clear();
    for (const double tick : ticks) {
      labels.push_back(percent ? absl::StrFormat("%.*g %%", digits, 100 * tick) : ShortNumber(tick, digits));
    }
    if (std::set<std::string>(labels.begin(), labels.end()).size() == ticks.size()) break;
  }
  return labels;
}

Curve Smooth(const Curve& curve, double span) {
  const double keep = 1 - 1 / span;
  Curve smooth;
  double sum = 0, weight = 0;
  for (const auto& [step, value] : curve) {
    sum = keep * sum + value;
    weight = keep * weight + 1;
    smooth.emplace_back(step, sum / weight);
  }
  return smooth;
}

std::string LinePlot(const std::vector<PlotSeries>& series, const PlotOptions& options) {
  std::vector<double> y_ticks;
  const Frame frame = MakeFrame(series, options, y_ticks);
  std::string svg = absl::StrFormat("<svg class=\"plot\" viewBox=\"0 0 %.0f %.0f\" role=\"img\">", kWidth, kHeight);
  absl::StrAppend(&svg, Axes(frame, y_ticks, options.percent));
  for (size_t i = 0; i < series.size(); ++i) {
    const int color = static_cast<int>(i);
    absl::StrAppend(&svg, SeriesLine(frame, series[i], color, options));
    absl::StrAppend(&svg, PointAttributes(frame, series[i], color, options.percent));
  }
  return absl::StrCat(svg, "<line class=\"cursor\" y1=\"", kTop, "\" y2=\"", kHeight - kBottom, "\"/></svg>");
}

}  // namespace plumb
