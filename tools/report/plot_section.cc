#include "tools/report/plot_section.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/report/html_text.h"

namespace plumb {
namespace {

struct PlotPlan {
  std::string title;
  std::string note;
  std::vector<std::string> keys;
  PlotOptions options;
};

const std::vector<PlotPlan>& Plans() {
  static const std::vector<PlotPlan>& plans = *new std::vector<PlotPlan>{
      {"Held-out accuracy",
       "greedy, on prompts that are never trained on",
       {"eval/accuracy"},
       {.percent = true, .dots = true}},
      {"Mean reward", "of the sampled completions of a step", {"reward/mean"}, {}},
      {"Loss", "", {"loss", "eval/loss"}, {}},
      {"Completion length",
       "tokens",
       {"completion_length/mean", "completion_length/max", "eval/completion_length"},
       {}},
      {"Entropy", "of the policy at the sampled tokens", {"entropy"}, {}},
      {"KL", "to the reference policy", {"kl"}, {}},
      {"KL to the sampling policy", "of the policy in training; 0 with one optimizer step", {"kl_rollout"}, {}},
      {"Clip fraction",
       "share of tokens whose ratio was clipped",
       {"clip_fraction", "clip_fraction/low", "clip_fraction/high"},
       {}},
      {"Trainer against rollout",
       "log-probabilities on the same weights",
       {"logprob_diff/max", "logprob_diff/mean"},
       {}},
      {"Gradient norm", "before clipping", {"grad_norm"}, {}},
      {"Learning rate", "", {"learning_rate"}, {.smooth = false}},
      {"Largest importance ratio", "of a token; 1 on fresh samples", {"ratio/max"}, {}},
      {"Groups without a signal", "all completions with the same reward", {"groups/zero_std_share"}, {.percent = true}},
      {"Groups left out", "because a completion has no reward", {"groups/dropped"}, {.smooth = false}},
      {"Groups that cannot teach",
       "fewer than two rewards to compare",
       {"groups/unscored_share"},
       {.percent = true, .smooth = false}},
      {"Completions without a reward",
       "",
       {"reward/abstained_share", "reward/invalid_share", "reward/failed_share"},
       {.percent = true, .smooth = false}},
      {"Truncated completions", "share that reached max_new_tokens", {"truncated_share"}, {.percent = true}},
      {"Time of a step", "seconds", {"time/rollout", "time/train", "time/reward", "time/sync"}, {}},
      {"Tokens per second", "", {"tokens_per_second"}, {}},
  };
  return plans;
}

std::string Legend(const std::vector<PlotSeries>& series) {
  if (series.size() < 2) return "";
  std::string html = "<div class=\"legend\">";
  for (size_t i = 0; i < series.size(); ++i) {
    absl::StrAppend(&html, "<span><i class=\"s", i % 4, "\"></i>", EscapeHtml(series[i].label), "</span>");
  }
  return html + "</div>";
}

std::string Figure(const PlotPlan& plan, const std::vector<PlotSeries>& series) {
  const double last = series.front().curve.back().second;
  return absl::StrCat("<figure><figcaption><div><b>", EscapeHtml(plan.title), "</b><small>", EscapeHtml(plan.note),
                      "</small></div><span class=\"last\">", plan.options.percent ? Percent(last) : ShortNumber(last),
                      "</span></figcaption>", LinePlot(series, plan.options), Legend(series), "</figure>");
}

bool SameCurve(const Curve& left, const Curve& right) {
  return left.size() == right.size() && std::equal(left.begin(), left.end(), right.begin(), [](auto one, auto other) {
           return one.first == other.first && std::fabs(one.second - other.second) <= 1e-9;
         });
}

// For a metric that no plan names.
PlotPlan OtherPlan(const std::string& key) {
  const bool is_component = absl::StartsWith(key, "reward/");
  return {.title = is_component ? absl::StrCat("Reward: ", key.substr(7)) : key,
          .note = is_component ? "mean of the component, before weights" : "",
          .keys = {key}};
}

// The reward metrics whose curve is that of `key`, in words; they are added to `shown`. The component of a single
// verifier is the whole reward, and need not be drawn three times.
std::string Twins(const RunRecord& run, const std::string& key, std::set<std::string>& shown) {
  std::vector<std::string> twins;
  for (const auto& [other, curve] : run.metrics) {
    const bool is_reward = absl::StartsWith(key, "reward/") && absl::StartsWith(other, "reward/");
    if (!is_reward || shown.count(other) > 0 || !SameCurve(curve, MetricCurve(run, key))) continue;
    shown.insert(other);
    twins.push_back(other);
  }
  return twins.empty() ? "" : absl::StrCat("the same as ", absl::StrJoin(twins, ", "));
}

std::string PlannedFigure(PlotPlan plan, const RunRecord& run, std::set<std::string>& shown) {
  std::vector<PlotSeries> series;
  for (const std::string& key : plan.keys) {
    const Curve& curve = MetricCurve(run, key);
    if (!curve.empty()) series.push_back({key, curve});
  }
  if (series.empty()) return "";
  const std::string twins = Twins(run, plan.keys.front(), shown);
  if (!twins.empty()) absl::StrAppend(&plan.note, plan.note.empty() ? "" : "; ", twins);
  return Figure(plan, series);
}

}  // namespace

std::string PlotsHtml(const RunRecord& run) {
  std::set<std::string> shown = {"reward/std", "time/step", "skipped_steps", "trained_tokens", "epoch"};
  for (const PlotPlan& plan : Plans()) shown.insert(plan.keys.begin(), plan.keys.end());
  std::string html;
  for (const PlotPlan& plan : Plans()) html += PlannedFigure(plan, run, shown);
  for (const auto& metric : run.metrics) {
    if (shown.insert(metric.first).second) html += PlannedFigure(OtherPlan(metric.first), run, shown);
  }
  return absl::StrCat(
      "<h2>Curves</h2><p>Numbers and faint lines are as measured; a strong line over a "
      "faint one is its running mean.</p><section class=\"plots\">",
      html, "</section>");
}

}  // namespace plumb
