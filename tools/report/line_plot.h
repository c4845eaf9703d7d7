#ifndef PLUMB_TOOLS_REPORT_LINE_PLOT_H_
#define PLUMB_TOOLS_REPORT_LINE_PLOT_H_

#include <string>
#include <utility>
#include <vector>

namespace plumb {

// (step, value), steps ascending.
using Curve = std::vector<std::pair<double, double>>;

struct PlotSeries {
  std::string label;
  Curve curve;
};

struct PlotOptions {
  bool percent = false;  // values are shares in [0, 1]; the axis is in percent
  bool dots = false;     // few measured points, drawn as dots
  bool smooth = true;    // noisy points: a smoothed line over a faint one
};

// About `count` round numbers (1, 2 or 5 times a power of ten apart) that cover [low, high].
std::vector<double> RoundTicks(double low, double high, int count);

// The ticks as texts, with as many digits as make them all different.
std::vector<std::string> TickLabels(const std::vector<double>& ticks, bool percent);

// An exponential mean that weighs the last `span` points most and has no bias at the start.
Curve Smooth(const Curve& curve, double span);

// An <svg> element with axes, grid and one line per series. Colours are the page's CSS classes s0, s1, ...; the points
// stand in `data-` attributes for the page's pointer script. Labels are escaped. Empty series give an empty plot.
std::string LinePlot(const std::vector<PlotSeries>& series, const PlotOptions& options);

}  // namespace plumb

#endif  // PLUMB_TOOLS_REPORT_LINE_PLOT_H_
