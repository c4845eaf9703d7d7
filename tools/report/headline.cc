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

// "from 6.23 at step 1".
std::string FromFirst(const Curve& curve) {
  return absl::StrCat("from ", ShortNumber(curve.front().second), " at step ", ShortNumber(curve.front().first));
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
    html += Card("Mean reward", ShortNumber(reward.back().second), FromFirst(reward));
  } else if (!loss.empty()) {
    html += Card("Loss", ShortNumber(loss.back().second), FromFirst(loss));
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
