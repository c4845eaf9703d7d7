#ifndef PLUMB_TOOLS_EVAL_METRICS_H_
#define PLUMB_TOOLS_EVAL_METRICS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace plumb::cli {

// The unbiased estimate of the chance that at least one of k completions is right, from n completions of which
// `correct` are: 1 - C(n - correct, k) / C(n, k).
// Source: arXiv:2107.03374, equation 1.
//
//   n, correct, k  1 <= k <= n, 0 <= correct <= n
double PassAtK(int64_t n, int64_t correct, int64_t k);

// The completion that stands for the majority: the first of those with the most frequent answer; of equally frequent
// answers the one seen first wins.
//
//   answers  not empty; empty texts (no answer was found) do not vote unless all are empty
//   returns  an index into `answers`
int64_t MajorityIndex(const std::vector<std::string>& answers);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_EVAL_METRICS_H_
