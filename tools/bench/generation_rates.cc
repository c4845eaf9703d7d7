#include "tools/bench/generation_rates.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "tools/bench/limit_rounds.h"
#include "tools/bench/work_bounds.h"

namespace plumb::cli {
namespace {

constexpr int64_t kDefaultStepTokens = 2048;

std::vector<GroupRequest> Prompts(const BenchModel& model, const GenerationCase& wanted) {
  const ModelConfig& config = model.weights.config;
  std::vector<GroupRequest> prompts(wanted.batch);
  for (int64_t row = 0; row < wanted.batch; ++row) {
    prompts[row].group_id = prompts[row].row_id = absl::StrCat(row);
    prompts[row].prompt_ids = BenchIds(row, wanted.prompt_tokens, config.vocab_size);
  }
  return prompts;
}

// Sums up what comes out of an engine, whatever the order of the sequences in a tick. Each token counts with its place.
class OutputDigest {
 public:
  void Add(const TokenEvent& event) {
    uint32_t bits = 0;
    std::memcpy(&bits, &event.token.logprob, sizeof(bits));
    uint64_t& chain = chains_[event.group];
    for (const uint64_t word : {static_cast<uint64_t>(event.token.id), static_cast<uint64_t>(bits)}) {
      chain = (chain ^ word) * 0x100000001B3u + 0x9E3779B97F4A7C15u;
    }
    ++num_tokens_;
  }
  int64_t num_tokens() const { return num_tokens_; }
  std::string Text() const {
    uint64_t all = 0;
    for (const auto& [group, chain] : chains_) all = (all ^ chain) * 0x100000001B3u;
    return absl::StrCat(absl::Hex(all, absl::kZeroPad16));
  }

 private:
  std::map<int64_t, uint64_t> chains_;
  int64_t num_tokens_ = 0;
};

struct MeasuredCase {
  GenerationCase wanted;
  std::vector<GenerationRound> rounds;
};

Json CaseJson(const BenchModel& model, const MeasuredCase& measured, const LimitRounds& limits) {
  const GenerationCase& wanted = measured.wanted;
  const ModelConfig& config = model.weights.config;
  const int64_t element_bytes = static_cast<int64_t>(model.weights.embed.element_size());
  std::vector<double> prefills, decodes;
  for (const GenerationRound& round : measured.rounds) {
    prefills.push_back(round.prefill_seconds);
    decodes.push_back(round.decode_seconds);
  }
  Json json;
  json["batch"] = wanted.batch;
  json["prompt"] = wanted.prompt_tokens;
  json["new"] = wanted.new_tokens;
  const double prompt_tokens = static_cast<double>(wanted.batch * wanted.prompt_tokens);
  const Work prefill = PrefillWork(config, wanted.batch, wanted.prompt_tokens, element_bytes);
  json["prefill"] = limits.RateJson(prompt_tokens, prefills, prefill);
  if (wanted.new_tokens > 1) {
    const double steps = static_cast<double>(wanted.new_tokens - 1);
    const double context = static_cast<double>(wanted.prompt_tokens) + static_cast<double>(wanted.new_tokens) / 2;
    const Work step = DecodeWork(config, wanted.batch, context, element_bytes);
    json["decode"] =
        limits.RateJson(static_cast<double>(wanted.batch) * steps, decodes, {steps * step.bytes, steps * step.flops});
    json["decode"]["milliseconds_per_step"] = MedianOf(decodes) / steps * 1e3;
    json["decode"]["megabytes_per_step"] = step.bytes / 1e6;
  }
  json["digest"] = measured.rounds.back().digest;
  return json;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> EngineFor(const BenchModel& model, const std::vector<GenerationCase>& cases) {
  int64_t sequences = 1, step_tokens = kDefaultStepTokens, pages = 0;
  for (const GenerationCase& wanted : cases) {
    const int64_t tokens = wanted.prompt_tokens + wanted.new_tokens;
    sequences = std::max(sequences, wanted.batch);
    step_tokens = std::max(step_tokens, wanted.batch * wanted.prompt_tokens);
    pages = std::max(pages, wanted.batch * ((tokens + kPageTokens - 1) / kPageTokens));
  }
  proto::EngineConfig config;
  config.set_max_running_sequences(static_cast<int32_t>(sequences));
  config.set_max_step_tokens(static_cast<int32_t>(step_tokens));
  config.set_cache_pages(static_cast<int32_t>(pages + 1));
  return Engine::Create(model.weights, model.codec.get(), config);
}

absl::StatusOr<GenerationRound> RunGeneration(const BenchModel& model, const GenerationCase& wanted, Engine& engine) {
  SamplingOptions sampling;
  sampling.max_new_tokens = wanted.new_tokens;
  sampling.ignore_end_tokens = true;
  OutputDigest digest;
  absl::Status status;
  const auto sink = [&](const RequestTick& tick) {
    for (const TokenEvent& event : tick.tokens) digest.Add(event);
    if (!tick.status.ok()) status = tick.status;
  };
  RETURN_IF_ERROR(engine.Submit(Prompts(model, wanted), sampling, sink).status());
  const absl::Time begin = absl::Now();
  RETURN_IF_ERROR(engine.Step());
  const absl::Time prefilled = absl::Now();
  while (!engine.idle()) RETURN_IF_ERROR(engine.Step());
  const absl::Time end = absl::Now();
  RETURN_IF_ERROR(status);
  if (digest.num_tokens() != wanted.batch * wanted.new_tokens) {
    return absl::InternalError(absl::StrCat("the engine sampled ", digest.num_tokens(), " tokens, expected ",
                                            wanted.batch * wanted.new_tokens));
  }
  return GenerationRound{absl::ToDoubleSeconds(prefilled - begin), absl::ToDoubleSeconds(end - prefilled),
                         digest.Text()};
}

absl::StatusOr<Json> MeasureGeneration(const BenchModel& model, const std::vector<GenerationCase>& cases,
                                       int64_t rounds) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, EngineFor(model, cases));
  LimitRounds limits;
  std::vector<MeasuredCase> measured;
  for (const GenerationCase& wanted : cases) measured.push_back({wanted, {}});
  for (int64_t round = 0; round <= rounds; ++round) {
    if (round > 0) limits.Measure();
    for (MeasuredCase& one : measured) {
      ASSIGN_OR_RETURN(GenerationRound result, RunGeneration(model, one.wanted, *engine));
      if (round > 0) one.rounds.push_back(std::move(result));  // before that, caches and pages get warm
    }
  }
  Json json = limits.ToJson();
  json["cases"] = Json::array();
  for (const MeasuredCase& one : measured) json["cases"].push_back(CaseJson(model, one, limits));
  return json;
}

absl::Status PrintGeneration(const std::string& benchmark, const BenchModel& model, const BenchModelOptions& options,
                             const std::vector<GenerationCase>& cases) {
  ASSIGN_OR_RETURN(const Json measured, MeasureGeneration(model, cases, options.num_rounds));
  Json json = BenchHead(benchmark, model, options);
  json.update(measured);
  json["peak_memory_gigabytes"] = PeakMemoryBytes() / 1e9;
  std::printf("%s\n", DumpJson(json).c_str());
  return absl::OkStatus();
}

}  // namespace plumb::cli
