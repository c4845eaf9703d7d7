#ifndef PLUMB_ROLLOUT_GENERATION_H_
#define PLUMB_ROLLOUT_GENERATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/philox.h"

// What goes into and comes out of generation, whoever does it: an engine in this process or workers over gRPC.
namespace plumb {

struct SamplingOptions {
  int64_t max_new_tokens = 256;
  double temperature = 1.0;
  double top_p = 1.0;
  int64_t top_k = 0;  // 0: all
  bool greedy = false;
  std::vector<int64_t> stop_ids;  // besides the model's end tokens
  std::vector<std::string> stop_strings;
  bool ignore_end_tokens = false;
  bool return_kept_sets = false;
};

enum class SeedDomain : uint32_t { kTrain = 0, kEval = 1 };

// One prompt and how many completions of it are wanted.
struct GroupRequest {
  std::string group_id;  // unique in the call
  std::vector<int64_t> prompt_ids;
  int64_t group_size = 1;
  uint64_t run_seed = 0;
  SeedDomain domain = SeedDomain::kTrain;
  std::string row_id;
  uint64_t visit = 0;
  int64_t first_sample_index = 0;
};

struct WeightVersion {
  std::string incarnation;
  uint64_t step = 0;
  uint64_t digest = 0;
  bool operator==(const WeightVersion& other) const {
    return incarnation == other.incarnation && step == other.step && digest == other.digest;
  }
};

// "step 7 of run 'a' (digest 0011223344556677)".
std::string Describe(const WeightVersion& version);

enum class FinishReason { kStop, kLength, kCancelled };

struct Completion {
  std::vector<int64_t> ids;                     // the stopping token included
  std::vector<float> logprobs;                  // temperature 1, whole vocabulary
  std::vector<float> sampling_logprobs;         // of the distribution that was sampled
  std::vector<uint64_t> weight_steps;           // step of the weight version of each token
  std::vector<std::vector<int64_t>> kept_sets;  // per token, where asked for
  FinishReason finish_reason = FinishReason::kLength;
  std::string stop;  // what stopped it
  std::string text;  // without the stopping token or string
};

// All completions of one prompt, in the order of their sample index.
struct RolloutGroup {
  std::string group_id;
  std::vector<Completion> completions;
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_GENERATION_H_
