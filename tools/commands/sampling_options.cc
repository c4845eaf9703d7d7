#include "tools/commands/sampling_options.h"

#include <unistd.h>

#include <cstdio>

#include "base/log.h"
#include "base/status_macros.h"

namespace plumb::cli {
namespace {

// Completions of one Generate() call: many times the engine's slots, so that they stay full but for the end of a piece.
constexpr int64_t kPieceCompletions = 4096;

// A bar on a terminal, a line of the log elsewhere.
void ShowProgress(size_t done, size_t all, absl::Time start) {
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  if (isatty(STDERR_FILENO) == 0) {
    LogInfo("plumb", done, " of ", all, " rows, ", absl::StrFormat("%.1f", seconds), " s");
    return;
  }
  constexpr int kWidth = 40;
  const int filled = static_cast<int>(kWidth * done / all);
  std::fprintf(stderr, "\r[%s%s] %zu of %zu rows, %.1f s%s", std::string(filled, '#').c_str(),
               std::string(kWidth - filled, '.').c_str(), done, all, seconds, done == all ? "\n" : "");
}

}  // namespace

void DeclareSampling(OptionSet& options, SamplingFlags& flags) {
  options.Whole("--max-new-tokens", {1, 1 << 24}, flags.max_new_tokens, "Longest completion, in tokens.");
  options.Number("--temperature", {0, 100, /*above_min=*/true}, flags.temperature, "Logits are divided by it.");
  options.Number("--top-p", {0, 1, /*above_min=*/true}, flags.top_p,
                 "Sample from the smallest set of tokens with this probability.");
  options.Whole("--top-k", {0, 1 << 24}, flags.top_k, "Sample from so many most likely tokens; 0 takes all.");
  options.Whole("--seed", {0}, flags.seed, "Seed of sampling.");
  options.List("--stop", "TEXT", flags.stop_strings, "Text that ends a completion.");
  options.List("--worker", "ADDRESS", flags.workers,
               "Use a running rollout worker instead of an engine in this process.");
  options.Number("--timeout-seconds", {0, 1e9, /*above_min=*/true}, flags.timeout_seconds,
                 "Limit of each piece of the work (4096 completions).");
  options.Number("--connect-seconds", {0, 1e9, /*above_min=*/true}, flags.connect_seconds,
                 "How long to wait for a worker's first answer.");
}

SamplingOptions ToSamplingOptions(const SamplingFlags& flags, bool greedy) {
  SamplingOptions sampling;
  sampling.max_new_tokens = flags.max_new_tokens;
  sampling.stop_strings = flags.stop_strings;
  sampling.greedy = greedy;
  if (greedy) return sampling;
  sampling.temperature = flags.temperature;
  sampling.top_p = flags.top_p;
  sampling.top_k = flags.top_k;
  return sampling;
}

absl::StatusOr<LoadedGenerator> LoadGenerator(const std::string& model, const ComputeOptions& compute,
                                              const SamplingFlags& flags) {
  LoadedGenerator loaded;
  if (flags.workers.empty()) {
    ASSIGN_OR_RETURN(LoadedModel local, LoadModel(model, compute));
    loaded.codec = std::move(local.codec);
    ASSIGN_OR_RETURN(loaded.generator, MakeLocalGenerator(std::move(local.weights), loaded.codec.get(),
                                                          DefaultEngineConfig(), local.device));
    return loaded;
  }
  ASSIGN_OR_RETURN(loaded.codec, LoadCodec(model));
  std::vector<proto::WorkerAddress> addresses(flags.workers.size());
  for (size_t i = 0; i < addresses.size(); ++i) addresses[i].set_address(flags.workers[i]);
  ASSIGN_OR_RETURN(loaded.generator, ConnectWorkers(addresses, absl::Seconds(flags.connect_seconds)));
  return loaded;
}

absl::Status GenerateInPieces(Generator& generator, const std::vector<GroupRequest>& requests,
                              const SamplingOptions& sampling, absl::Duration timeout,
                              const std::function<absl::Status(size_t first, std::vector<RolloutGroup> groups)>& use) {
  const absl::Time start = absl::Now();
  size_t first = 0;
  while (first < requests.size()) {
    size_t end = first;
    for (int64_t wanted = 0; end < requests.size(); ++end) {
      wanted += requests[end].group_size;
      if (end > first && wanted > kPieceCompletions) break;
    }
    const absl::Span<const GroupRequest> piece(requests.data() + first, end - first);
    ASSIGN_OR_RETURN(std::vector<RolloutGroup> groups, generator.Generate(piece, sampling, absl::Now() + timeout));
    RETURN_IF_ERROR(use(first, std::move(groups)));
    first = end;
    ShowProgress(first, requests.size(), start);
  }
  return absl::OkStatus();
}

}  // namespace plumb::cli
