#include "tools/report/plot_section.h"

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
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
      {"KL", "to the reference policy, or to the policy that sampled", {"kl"}, {}},
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
      {"Groups without a signal", "all completions with the same reward", {"groups/zero_std_share"}, {.percent = true}},
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

}  // namespace

std::string PlotsHtml(const RunRecord& run) {
  std::string html;
  std::set<std::string> shown = {"reward/std", "time/step", "skipped_steps", "trained_tokens", "epoch"};
  for (const PlotPlan& plan : Plans()) {
    std::vector<PlotSeries> series;
    for (const std::string& key : plan.keys) {
      shown.insert(key);
      const Curve& curve = MetricCurve(run, key);
      if (!curve.empty()) series.push_back({key, curve});
    }
    if (!series.empty()) html += Figure(plan, series);
  }
  for (const auto& [key, curve] : run.metrics) {
    if (shown.count(key) == 0 && !curve.empty()) html += Figure({.title = key}, {{key, curve}});
  }
  return absl::StrCat("<h2>Curves</h2><section class=\"plots\">", html, "</section>");
}

}  // namespace plumb
