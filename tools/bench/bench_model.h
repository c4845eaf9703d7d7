#ifndef PLUMB_TOOLS_BENCH_BENCH_MODEL_H_
#define PLUMB_TOOLS_BENCH_BENCH_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "policy/weights.h"
#include "text/text_codec.h"
#include "tools/option_set.h"

namespace plumb::cli {

// The model that a benchmark runs, and with what.
struct BenchModelOptions {
  std::string model;  // a policy folder; empty: the preset with random weights
  std::string preset = "bench-t";
  std::string dtype = "float32";
  int64_t threads = 0;
  std::string isa = "auto";
  int64_t num_rounds = 5;
};

// --model, --preset, --dtype, --threads, --isa, --rounds.
void DeclareBenchModel(OptionSet& options, BenchModelOptions& model);

struct BenchModel {
  std::string name;  // of the folder or the preset
  PolicyWeights weights;
  std::unique_ptr<TextCodec> codec;  // null where there is no tokenizer.json
};

// Sets threads and instruction set, then loads the folder or makes the preset. A preset has the vocabulary of the
// published figures: 4096 for bench-t, 8192 for bench-p.
// Errors: kInvalidArgument for an unknown preset or instruction set; those of LoadPolicyFolder() and TextCodec::Load().
absl::StatusOr<BenchModel> OpenBenchModel(const BenchModelOptions& options);

// The first members of every benchmark's result: {"benchmark", "model", "dtype", "parameters", "active_parameters"}.
Json BenchHead(const std::string& benchmark, const BenchModel& model, const BenchModelOptions& options);

// Token ids that every peer can make too: id p of row r is 16 + Mix(2^32 r + p) mod (vocab_size - 16), where Mix is the
// output function of SplitMix64. Ids below 16 are left to special tokens. vocab_size is more than 16.
std::vector<int64_t> BenchIds(int64_t row, int64_t count, int64_t vocab_size);

// "1,8,64". Errors: kInvalidArgument naming the option `name`: not a list of whole numbers from 1 to 65536.
absl::StatusOr<std::vector<int64_t>> ParseCounts(const std::string& name, const std::string& text);

// The most memory this process has ever held, in bytes.
double PeakMemoryBytes();

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_BENCH_BENCH_MODEL_H_
