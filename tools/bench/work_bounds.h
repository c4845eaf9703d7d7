#ifndef PLUMB_TOOLS_BENCH_WORK_BOUNDS_H_
#define PLUMB_TOOLS_BENCH_WORK_BOUNDS_H_

#include <cstdint>

#include "policy/model_config.h"

// What a model's work must read and compute at least, from its shapes alone: the bounds that results are shares of.
// Assumed: uniform routing, absorbed attention where a cache is read and attention over full keys where a sequence is
// computed whole, nothing but weights and cache read from memory, no cost of sampling. A multiply-add is two
// operations.
namespace plumb::cli {

struct Work {
  double bytes = 0;  // read from memory
  double flops = 0;
};

Work operator+(const Work& a, const Work& b);

// Routed experts that `tokens` tokens choose in one layer, on average: E (1 - (1 - K / E)^tokens).
double DistinctExperts(const ModelConfig& config, double tokens);

// One decode step of `batch` sequences that see `context` positions each, on average.
//   element_bytes  of a weight and of a number in the cache
Work DecodeWork(const ModelConfig& config, int64_t batch, double context, int64_t element_bytes);

// The prompts of `batch` sequences of `length` tokens, computed in one forward, with logits of the last positions only.
Work PrefillWork(const ModelConfig& config, int64_t batch, int64_t length, int64_t element_bytes);

// Forward and backward of `tokens` tokens in sequences of `length`, with logits of all. Bytes are not counted.
Work TrainWork(const ModelConfig& config, int64_t tokens, int64_t length);

// The time that the work takes at least.
double LeastSeconds(const Work& work, double bytes_per_second, double flops_per_second);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_BENCH_WORK_BOUNDS_H_
