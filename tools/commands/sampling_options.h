#ifndef PLUMB_TOOLS_COMMANDS_SAMPLING_OPTIONS_H_
#define PLUMB_TOOLS_COMMANDS_SAMPLING_OPTIONS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rollout/generation.h"
#include "rollout/generator.h"
#include "tools/commands/model_options.h"

// What the commands that sample completions share.
namespace plumb::cli {

struct SamplingFlags {
  int64_t max_new_tokens = 256;
  double temperature = 1.0;
  double top_p = 1.0;
  int64_t top_k = 0;
  int64_t seed = 0;
  std::vector<std::string> stop_strings;
  std::vector<std::string> workers;
  double timeout_seconds = 3600;
  double connect_seconds = 30;
};

// --max-new-tokens, --temperature, --top-p, --top-k, --seed, --stop, --worker, --timeout-seconds,
// --connect-seconds. `greedy_hint` stands behind the message for a temperature of 0.
void DeclareSampling(OptionSet& options, const std::string& greedy_hint, SamplingFlags& flags);

SamplingOptions ToSamplingOptions(const SamplingFlags& flags, bool greedy);

// A text side and what makes completions: workers where any are given, else an engine in this process.
struct LoadedGenerator {
  std::unique_ptr<TextCodec> codec;  // null where the folder has no tokenizer.json; outlives `generator`
  std::unique_ptr<Generator> generator;
};

absl::StatusOr<LoadedGenerator> LoadGenerator(const std::string& model, const ComputeOptions& compute,
                                              const SamplingFlags& flags);

// Generates in pieces of rows, so that finished ones can be written while others wait, and shows how far it is.
// `use` gets the groups of requests [first, first + groups.size()).
// Errors: those of Generator and `use`. What a generator says of "groups[I]" of a piece names the request's own place
// among all: RequestOfError() finds it.
absl::Status GenerateInPieces(Generator& generator, const std::vector<GroupRequest>& requests,
                              const SamplingOptions& sampling, absl::Duration timeout,
                              const std::function<absl::Status(size_t first, std::vector<RolloutGroup> groups)>& use);

// The request that an error of GenerateInPieces() is about; nothing where it is about none. Only for an engine in this
// process or a single worker: several workers count their own shares.
std::optional<size_t> RequestOfError(const absl::Status& status);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMANDS_SAMPLING_OPTIONS_H_
