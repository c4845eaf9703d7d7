#include "tools/report/headline.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/report/html_text.h"

namespace plumb {
namespace {

std::string Card(const std::string& label, const std::string& value, const std::string& note) {
  return absl::StrCat("<div class=\"card\"><div class=\"label\">", label, "</div><div class=\"value\">", value,
                      "</div><div class=\"note\">", note, "</div></div>");
}

// The mean over the first or the last tenth of a curve, at most 10 points: one noisy step says little.
double EndMean(const Curve& curve, bool last) {
  const size_t count = std::clamp<size_t>(curve.size() / 10, 1, 10);
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += curve[last ? curve.size() - 1 - i : i].second;
  return sum / static_cast<double>(count);
}

double Total(const Curve& curve) {
  double sum = 0;
  for (const auto& point : curve) sum += point.second;
  return sum;
}

double Largest(const Curve& curve) {
  double largest = curve.front().second;
  for (const auto& point : curve) largest = std::max(largest, point.second);
  return largest;
}

std::string Duration(double seconds) {
  if (seconds < 60) return absl::StrFormat("%.1f s", seconds);
  if (seconds < 3600) return absl::StrFormat("%.1f min", seconds / 60);
  return absl::StrFormat("%.1f h", seconds / 3600);
}

std::string Accuracy(const Curve& curve) {
  const double before = curve.front().second, after = curve.back().second;
  const char* trend = after >= before ? "up" : "down";
  return Card("Held-out accuracy",
              absl::StrCat("<span class=\"before\">", Percent(before), "</span> &rarr; ", Percent(after)),
              absl::StrFormat("<span class=\"%s\">%+.1f points</span>, greedy", trend, 100 * (after - before)));
}

}  // namespace

std::string HeadlineHtml(const RunRecord& run) {
  std::string html = "<section class=\"cards\">";
  const Curve& accuracy = MetricCurve(run, "eval/accuracy");
  const Curve& reward = MetricCurve(run, "reward/mean");
  const Curve& loss = MetricCurve(run, "loss");
  const Curve& difference = MetricCurve(run, "logprob_diff/max");
  const Curve& speed = MetricCurve(run, "tokens_per_second");
  const Curve& time = MetricCurve(run, "time/step");
  if (!accuracy.empty()) html += Accuracy(accuracy);
  if (!reward.empty()) {
    html += Card("Mean reward", ShortNumber(EndMean(reward, true)),
                 absl::StrCat("from ", ShortNumber(EndMean(reward, false)), ", of sampled completions"));
  } else if (!loss.empty()) {
    html += Card("Loss", ShortNumber(EndMean(loss, true)), absl::StrCat("from ", ShortNumber(EndMean(loss, false))));
  }
  html += Card("Steps", absl::StrCat(run.last_step), time.empty() ? "" : Duration(Total(time)));
  if (!speed.empty()) {
    html += Card("Tokens per second", ShortNumber(Total(speed) / static_cast<double>(speed.size())), "mean of the run");
  }
  if (!difference.empty()) {
    html += Card("Trainer &minus; rollout", ShortNumber(Largest(difference)), "largest log-probability difference");
  }
  return html + "</section>";
}

}  // namespace plumb
