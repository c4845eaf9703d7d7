#include "tools/report/sample_section.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/report/html_text.h"

namespace plumb {
namespace {

constexpr size_t kShownAnswers = 10;
constexpr size_t kShownGroups = 3;
constexpr size_t kShownOfGroup = 8;

std::string Text(const std::string& text) { return absl::StrCat("<pre>", EscapeHtml(text), "</pre>"); }

std::string Verdict(bool correct) {
  return correct ? "<span class=\"chip good\">right</span>" : "<span class=\"chip bad\">wrong</span>";
}

int TellingRank(const AnswerPair& pair) {
  if (!pair.before->correct && pair.after->correct) return 0;
  if (pair.before->correct && !pair.after->correct) return 1;
  return pair.after->correct ? 3 : 2;
}

std::string AnswerCell(int64_t step, const EvalRecord& answer) {
  return absl::StrCat("<td data-step=\"Step ", step, "\">", Verdict(answer.correct), Text(answer.completion), "</td>");
}

std::string AnswersHtml(const RunRecord& run) {
  const std::vector<AnswerPair> pairs = ChooseAnswers(run, kShownAnswers);
  if (pairs.empty()) return "";
  const bool two = run.last_eval_step != run.first_eval_step;
  std::string html = absl::StrCat(
      "<h2>Held-out answers", two ? ", before and after" : "",
      "</h2><div class=\"scroll\"><table class=\"answers\"><thead><tr><th>Prompt</th><th>Step ", run.first_eval_step);
  if (two) absl::StrAppend(&html, "</th><th>Step ", run.last_eval_step);
  html += "</th></tr></thead><tbody>";
  for (const AnswerPair& pair : pairs) {
    absl::StrAppend(&html, "<tr><td>", Text(pair.after->prompt), "</td>",
                    AnswerCell(run.first_eval_step, *pair.before));
    if (two) html += AnswerCell(run.last_eval_step, *pair.after);
    html += "</tr>";
  }
  return html + "</tbody></table></div>";
}

std::string RewardChip(const SampleRecord& sample) {
  if (!sample.reward) return absl::StrCat("<span class=\"chip\">", EscapeHtml(sample.outcome), "</span>");
  const char* kind = sample.advantage > 0 ? "good" : sample.advantage < 0 ? "bad" : "even";
  return absl::StrCat("<span class=\"chip ", kind, "\">", ShortNumber(*sample.reward), "</span>");
}

std::string CompletionHtml(const SampleRecord& sample) {
  std::string notes = absl::StrFormat("advantage %+.2f", sample.advantage);
  if (sample.finish_reason != "stop") absl::StrAppend(&notes, ", ended by ", sample.finish_reason);
  if (!sample.message.empty()) absl::StrAppend(&notes, ", ", sample.message);
  return absl::StrCat("<li>", RewardChip(sample), Text(sample.completion), "<small>", EscapeHtml(notes),
                      "</small></li>");
}

// The samples of a step, by row in the order in which rows first appear.
std::vector<std::vector<const SampleRecord*>> GroupsOf(const std::vector<SampleRecord>& samples) {
  std::vector<std::vector<const SampleRecord*>> groups;
  std::map<std::string, size_t> places;
  for (const SampleRecord& sample : samples) {
    const auto [place, is_new] = places.emplace(sample.row_id, groups.size());
    if (is_new) groups.emplace_back();
    groups[place->second].push_back(&sample);
  }
  return groups;
}

std::string StepHtml(int64_t step, const std::vector<SampleRecord>& samples) {
  std::vector<std::vector<const SampleRecord*>> groups = GroupsOf(samples);
  // Groups with different rewards teach something; they come first.
  std::stable_partition(groups.begin(), groups.end(), [](const auto& group) {
    return std::any_of(group.begin(), group.end(), [](const SampleRecord* one) { return one->advantage != 0; });
  });
  groups.resize(std::min(groups.size(), kShownGroups));
  std::string html = absl::StrCat("<div class=\"step\"><h3>Step ", step, "</h3>");
  for (const auto& group : groups) {
    absl::StrAppend(&html, "<div class=\"group\"><div class=\"prompt\">", Text(group.front()->prompt), "</div><ul>");
    for (size_t i = 0; i < std::min(group.size(), kShownOfGroup); ++i) html += CompletionHtml(*group[i]);
    html += "</ul></div>";
  }
  return html + "</div>";
}

}  // namespace

std::vector<AnswerPair> ChooseAnswers(const RunRecord& run, size_t limit) {
  std::map<std::string, const EvalRecord*> before;
  for (const EvalRecord& record : run.first_eval) before[record.row_id] = &record;
  std::vector<AnswerPair> pairs;
  for (const EvalRecord& record : run.last_eval) {
    const auto found = before.find(record.row_id);
    if (found != before.end()) pairs.push_back({found->second, &record});
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const AnswerPair& left, const AnswerPair& right) {
    return TellingRank(left) < TellingRank(right);
  });
  // Mostly what became right, but never that alone where there is something else.
  const size_t became_right =
      std::count_if(pairs.begin(), pairs.end(), [](const AnswerPair& pair) { return TellingRank(pair) == 0; });
  const size_t most = limit - limit / 3;
  if (became_right > most && pairs.size() > limit) {
    const size_t surplus = std::min(became_right - most, pairs.size() - limit);
    pairs.erase(pairs.begin() + static_cast<std::ptrdiff_t>(most),
                pairs.begin() + static_cast<std::ptrdiff_t>(most + surplus));
  }
  pairs.resize(std::min(pairs.size(), limit));
  return pairs;
}

std::string SamplesHtml(const RunRecord& run) {
  std::string html = AnswersHtml(run);
  if (run.last_samples.empty()) return html;
  html += "<h2>Sampled groups and their rewards</h2><section class=\"steps\">";
  html += StepHtml(run.first_sample_step, run.first_samples);
  if (run.last_sample_step != run.first_sample_step) html += StepHtml(run.last_sample_step, run.last_samples);
  return html + "</section>";
}

}  // namespace plumb
