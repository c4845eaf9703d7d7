#ifndef PLUMB_TOOLS_BENCH_GENERATION_RATES_H_
#define PLUMB_TOOLS_BENCH_GENERATION_RATES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/json.h"
#include "rollout/engine.h"
#include "tools/bench/bench_model.h"

namespace plumb::cli {

// `batch` sequences with prompts of their own, from BenchIds(), and `new_tokens` sampled tokens each.
struct GenerationCase {
  int64_t batch = 1;
  int64_t prompt_tokens = 128;
  int64_t new_tokens = 128;
};

// What one round through the rollout engine took and gave.
struct GenerationRound {
  double prefill_seconds = 0;  // until every sequence has its first token
  double decode_seconds = 0;   // the new_tokens - 1 steps after that
  std::string digest;          // of all sampled ids and log-probabilities
};

// An engine with room for each of the cases. All rounds run on one, as they do in a worker: the memory of a round is
// there for the next, what it computed is not.
// Errors: those of Engine::Create().
absl::StatusOr<std::unique_ptr<Engine>> EngineFor(const BenchModel& model, const std::vector<GenerationCase>& cases);

// Samples at temperature 1 over the whole vocabulary, with no end but the length. The prompts are computed in one
// engine step, so that the steps after it decode and do nothing else.
// Errors: those of Engine::Submit() and Engine::Step().
absl::StatusOr<GenerationRound> RunGeneration(const BenchModel& model, const GenerationCase& wanted, Engine& engine);

// Runs each case in turn with the machine's limits, `rounds` times after one round that is not counted.
// Returns {"read_gigabytes_per_second", "fma_gflops", "cases": [...]}; rates are of medians, bounds are those of
// work_bounds.h with the medians of the limits.
absl::StatusOr<Json> MeasureGeneration(const BenchModel& model, const std::vector<GenerationCase>& cases,
                                       int64_t rounds);

// Measures the cases and prints the benchmark's result on one line.
absl::Status PrintGeneration(const std::string& benchmark, const BenchModel& model, const BenchModelOptions& options,
                             const std::vector<GenerationCase>& cases);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_BENCH_GENERATION_RATES_H_
