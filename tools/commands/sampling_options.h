#ifndef PLUMB_TOOLS_COMMANDS_SAMPLING_OPTIONS_H_
#define PLUMB_TOOLS_COMMANDS_SAMPLING_OPTIONS_H_

#include <cstdint>
#include <memory>
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
// Errors: those of Generator and `use`; what a generator says of "groups[I]" counts from the first request.
absl::Status GenerateInPieces(Generator& generator, const std::vector<GroupRequest>& requests,
                              const SamplingOptions& sampling, absl::Duration timeout,
                              const std::function<absl::Status(size_t first, std::vector<RolloutGroup> groups)>& use);

// An error of GenerateInPieces() that is about one request, with `name(request)` in the place of "groups[I]". Other
// errors are returned as they are. Only for an engine in this process or a single worker: several count their own
// shares.
absl::Status NameRequest(const absl::Status& status, const std::function<std::string(size_t request)>& name);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMANDS_SAMPLING_OPTIONS_H_
