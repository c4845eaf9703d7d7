#ifndef PLUMB_TOOLS_BENCH_LIMIT_ROUNDS_H_
#define PLUMB_TOOLS_BENCH_LIMIT_ROUNDS_H_

#include <vector>

#include "base/json.h"
#include "tools/bench/work_bounds.h"

namespace plumb::cli {

// The machine's limits, measured between the rounds of a benchmark, so that a result and what it is a share of come
// from the same minutes. Holds 256 MiB. Not thread-safe.
class LimitRounds {
 public:
  LimitRounds();

  void Measure();

  // Medians of what was measured so far; it was measured at least once.
  double bytes_per_second() const;
  double flops_per_second() const;

  // {"isa", "threads", "read_gigabytes_per_second", "fma_gflops"}
  Json ToJson() const;

  // A result as a rate and as a share of its bound: {"tokens_per_second", "seconds": [...], "median",
  // "bound_tokens_per_second", "share_of_bound", "share_of_fma_peak", "share_of_read_bandwidth"}.
  //   tokens   of one round
  //   seconds  of each round; not empty
  //   work     of one round
  Json RateJson(double tokens, const std::vector<double>& seconds, const Work& work) const;

 private:
  std::vector<float> far_;
  std::vector<double> bandwidths_;
  std::vector<double> peaks_;
};

// The middle one; of an even number the upper one. `values` is not empty.
double MedianOf(std::vector<double> values);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_BENCH_LIMIT_ROUNDS_H_
