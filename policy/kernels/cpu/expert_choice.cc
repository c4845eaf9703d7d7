#include "policy/kernels/cpu/expert_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "absl/types/span.h"

namespace plumb::cpu {
namespace {

// Marks of one row's experts and groups; kept by the thread, so that a decode step allocates nothing.
struct Marks {
  std::vector<char> shut;   // experts outside of the best groups
  std::vector<char> taken;  // those and the ones that are chosen
  std::vector<float> group_scores;
  std::vector<char> kept_groups;
};

// Marks in `taken` the `count` largest of `values` among the entries that are not taken.
void TakeLargest(absl::Span<const float> values, int64_t count, std::vector<char>& taken) {
  for (int64_t k = 0; k < count; ++k) {
    int64_t best = -1;
    for (int64_t i = 0; i < static_cast<int64_t>(values.size()); ++i) {
      if (!taken[i] && (best < 0 || values[i] > values[best] || std::isnan(values[best]))) best = i;
    }
    taken[best] = true;
  }
}

float GroupScore(absl::Span<const float> scores, bool two_best) {
  float best = -std::numeric_limits<float>::infinity();
  float second = best;
  for (const float score : scores) {
    second = std::max(second, std::min(best, score));
    best = std::max(best, score);
  }
  return two_best ? best + second : best;
}

void ShutGroups(const ExpertChoice& choice, absl::Span<const float> scores, Marks& marks) {
  const size_t width = scores.size() / choice.num_groups;
  marks.group_scores.clear();
  for (int64_t group = 0; group < choice.num_groups; ++group) {
    marks.group_scores.push_back(GroupScore(scores.subspan(group * width, width), choice.two_best));
  }
  marks.kept_groups.assign(choice.num_groups, false);
  TakeLargest(marks.group_scores, choice.groups_per_row, marks.kept_groups);
  for (size_t i = 0; i < scores.size(); ++i) marks.shut[i] = !marks.kept_groups[i / width];
}

}  // namespace

void ChooseExperts(const ExpertChoice& choice, int64_t begin, int64_t end) {
  thread_local Marks marks;
  for (int64_t n = begin; n < end; ++n) {
    const absl::Span<const float> row(choice.scores + n * choice.num_experts, choice.num_experts);
    marks.shut.assign(choice.num_experts, false);
    if (choice.num_groups > 1) ShutGroups(choice, row, marks);
    marks.taken = marks.shut;
    TakeLargest(row, choice.per_row, marks.taken);
    int64_t* to = choice.experts + n * choice.per_row;
    for (int64_t i = 0; i < choice.num_experts; ++i) {
      if (marks.taken[i] && !marks.shut[i]) *to++ = i;
    }
  }
}

void WeighExperts(const ExpertWeights& rows, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    const float* scores = rows.scores + n * rows.num_experts;
    const int64_t* experts = rows.experts + n * rows.per_row;
    float* weights = rows.weights + n * rows.per_row;
    float sum = scores[experts[0]];
    for (int64_t k = 1; k < rows.per_row; ++k) sum = sum + scores[experts[k]];
    sum = sum + rows.sum_epsilon;
    for (int64_t k = 0; k < rows.per_row; ++k) {
      const float score = scores[experts[k]];
      weights[k] = (rows.normalise ? score / sum : score) * rows.factor;
    }
  }
}

void SortByExpert(const ExpertOrder& order) {
  const int64_t count = order.num_rows * order.per_row;
  std::fill(order.starts, order.starts + order.num_experts + 1, 0);
  for (int64_t i = 0; i < count; ++i) ++order.starts[order.experts[i] + 1];
  std::partial_sum(order.starts, order.starts + order.num_experts + 1, order.starts);
  // starts[e] serves as the next free place of expert e, and is put back after.
  for (int64_t i = 0; i < count; ++i) {
    const int64_t place = order.starts[order.experts[i]]++;
    order.places[i] = place;
    order.rows[place] = i / order.per_row;
  }
  std::copy_backward(order.starts, order.starts + order.num_experts, order.starts + order.num_experts + 1);
  order.starts[0] = 0;
}

}  // namespace plumb::cpu
