#include "tools/eval_metrics.h"

#include "base/check.h"

namespace plumb::cli {

double PassAtK(int64_t n, int64_t correct, int64_t k) {
  PLUMB_CHECK(k >= 1 && k <= n && correct >= 0 && correct <= n) << "n " << n << ", correct " << correct << ", k " << k;
  if (n - correct < k) return 1.0;
  // The quotient of the two binomials, factor by factor, so that nothing overflows.
  double all_wrong = 1.0;
  for (int64_t i = n - correct + 1; i <= n; ++i) all_wrong *= 1.0 - static_cast<double>(k) / static_cast<double>(i);
  return 1.0 - all_wrong;
}

int64_t MajorityIndex(const std::vector<std::string>& answers) {
  PLUMB_CHECK(!answers.empty());
  std::map<std::string, int64_t> votes;
  for (const std::string& answer : answers) {
    if (!answer.empty()) ++votes[answer];
  }
  int64_t best = 0;
  int64_t best_votes = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto found = votes.find(answers[i]);
    if (found == votes.end() || found->second <= best_votes) continue;
    best = static_cast<int64_t>(i);
    best_votes = found->second;
  }
  return best;
}

}  // namespace plumb::cli
