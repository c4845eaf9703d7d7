#include "tools/commands/sampling_options.h"

#include <unistd.h>

#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
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

// Where the message names a group of a piece: its number, and where the number stands in the message.
struct NamedGroup {
  size_t index = 0;
  size_t begin = 0, end = 0;
};

std::optional<NamedGroup> FindGroup(absl::string_view message) {
  constexpr absl::string_view kBefore = "groups[";
  NamedGroup group;
  const size_t at = message.find(kBefore);
  if (at == absl::string_view::npos) return std::nullopt;
  group.begin = at + kBefore.size();
  group.end = message.find(']', group.begin);
  const bool found = group.end != absl::string_view::npos &&
                     absl::SimpleAtoi(message.substr(group.begin, group.end - group.begin), &group.index);
  return found ? std::optional<NamedGroup>(group) : std::nullopt;
}

absl::Status CountFromStart(const absl::Status& status, size_t first) {
  const absl::string_view message = status.message();
  const std::optional<NamedGroup> group = FindGroup(message);
  if (!group.has_value()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(message.substr(0, group->begin), first + group->index, message.substr(group->end)));
}

}  // namespace

absl::Status NameRequest(const absl::Status& status, const std::function<std::string(size_t request)>& name) {
  const absl::string_view message = status.message();
  const std::optional<NamedGroup> group = FindGroup(message);
  if (!group.has_value()) return status;
  absl::string_view rest = message.substr(group->end + 1);
  if (!absl::ConsumePrefix(&rest, ".")) absl::ConsumePrefix(&rest, ": ");
  return absl::Status(status.code(), absl::StrCat(name(group->index), ": ", rest));
}

void DeclareSampling(OptionSet& options, const std::string& greedy_hint, SamplingFlags& flags) {
  options.Whole("--max-new-tokens", {1, 1 << 24}, flags.max_new_tokens, "Longest completion, in tokens.");
  options.Number("--temperature", {0, 100, /*above_min=*/true, greedy_hint}, flags.temperature,
                 "Logits are divided by it.");
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
    absl::StatusOr<std::vector<RolloutGroup>> groups = generator.Generate(piece, sampling, absl::Now() + timeout);
    if (!groups.ok()) return CountFromStart(groups.status(), first);
    RETURN_IF_ERROR(use(first, *std::move(groups)));
    first = end;
    ShowProgress(first, requests.size(), start);
  }
  return absl::OkStatus();
}

}  // namespace plumb::cli
