#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>

#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "policy/kernels/cpu/select_isa.h"
#include "policy/kernels/mla_attention.h"
#include "tools/bench/benchmarks.h"
#include "tools/bench/fma_peak.h"
#include "tools/bench/rounds.h"

namespace plumb::cli {
namespace {

// One layer's attention of a published shape.
struct Model {
  const char* name;
  int64_t num_heads;
  int64_t value_width;
  int64_t width;
};

constexpr Model kModels[] = {{"bench-t", 8, 64, 80}, {"v2-lite", 16, 512, 576}};

// `sequences` that compute their last `tokens` of `context` positions.
struct Case {
  const char* name;
  int64_t sequences;
  int64_t tokens;
  int64_t context;
  int64_t group_size;  // neighbours that read the same pages but for their last one
};

constexpr Case kCases[] = {{"decode", 1, 1, 192, 1},   {"decode", 1, 1, 4096, 1},  {"decode", 64, 1, 192, 1},
                           {"decode", 64, 1, 192, 8},  {"decode", 64, 1, 4096, 1}, {"decode", 64, 1, 4096, 8},
                           {"prefill", 1, 512, 512, 1}};

// A case's cache, its queries, and its plan for both sides.
struct Workload {
  LatentCache cache;
  at::Tensor queries;  // [N, H, W]
  AttentionPlan plan;
};

// Pages of sequence `index`, the next free one being `next_page`.
std::vector<int32_t> PagesOf(const Case& shape, const std::vector<std::vector<int32_t>>& before, int32_t& next_page) {
  const int64_t count = (shape.context + kPageTokens - 1) / kPageTokens;
  std::vector<int32_t> pages;
  if (before.size() % shape.group_size != 0) pages.assign(before.back().begin(), before.back().end() - 1);
  while (static_cast<int64_t>(pages.size()) < count) pages.push_back(next_page++);
  return pages;
}

absl::StatusOr<Workload> MakeWorkload(const Model& model, const Case& shape) {
  KvView view;
  PackedTokens tokens;
  tokens.starts.push_back(0);
  std::vector<at::Tensor> positions;
  int32_t next_page = 1;
  for (int64_t i = 0; i < shape.sequences; ++i) {
    view.pages.push_back(PagesOf(shape, view.pages, next_page));
    positions.push_back(at::arange(shape.context - shape.tokens, shape.context, at::kLong));
    tokens.starts.push_back(tokens.starts.back() + shape.tokens);
  }
  tokens.positions = at::cat(positions);
  tokens.ids = at::zeros_like(tokens.positions);
  Workload workload;
  ASSIGN_OR_RETURN(workload.cache, LatentCache::Create({1, model.width, at::kFloat}, next_page, at::kCPU));
  workload.cache.layer(0).normal_();
  view.cache = &workload.cache;
  workload.queries = at::randn({tokens.num_tokens(), model.num_heads, model.width});
  workload.plan = PlanAttention(tokens, view, model.num_heads);
  const cpu::AttentionUnits& units = *workload.plan.units;
  workload.plan.padded = PadAttention(units.sequences, units.block_rows, /*cached=*/true, model.num_heads);
  return workload;
}

// Multiplications and additions of the products, each key counted once for each row that sees it.
double FlopsOf(const Model& model, const Case& shape) {
  const double keys = shape.tokens * (shape.context - shape.tokens + (shape.tokens + 1) / 2.0);
  return 2.0 * shape.sequences * keys * model.num_heads * (model.width + model.value_width);
}

double SecondsOf(const std::function<void()>& work) {
  const absl::Time begin = absl::Now();
  work();
  return absl::ToDoubleSeconds(absl::Now() - begin);
}

class Bench : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Whole("--rounds", {1, 1000}, num_rounds_, "Rounds that are timed, after one that is not.");
    options.Whole("--threads", {1, 1024}, threads_, "Threads.");
    options.Choice("--isa", cpu::IsaChoices(), isa_, "Instruction set of the kernels.");
    options.Choice("--model", {"all", kModels[0].name, kModels[1].name}, model_, "Shapes to measure.");
    options.Whole("--longest", {1, 1 << 20}, longest_, "Leave out cases with a longer context.");
  }

  absl::Status Run() override {
    RETURN_IF_ERROR(cpu::SelectIsa(isa_));
    return CatchTorch("bench attention", [&]() -> absl::Status {
      const at::NoGradGuard no_grad;
      at::set_num_threads(static_cast<int>(threads_));
      at::manual_seed(1);
      Json json;
      json["benchmark"] = "attention";
      json["isa"] = cpu::IsaName(cpu::ActiveIsa());
      json["threads"] = threads_;
      json["fma_peak_gflops"] = peak_ = MeasureFmaPeak(cpu::ActiveIsa(), static_cast<int>(threads_)) / 1e9;
      json["cases"] = Json::array();
      for (const auto& [model, shape] : Wanted()) {
        ASSIGN_OR_RETURN(Json result, RunCase(model, shape));
        json["cases"].push_back(std::move(result));
      }
      std::printf("%s\n", DumpJson(json).c_str());
      return absl::OkStatus();
    });
  }

 private:
  std::vector<std::pair<Model, Case>> Wanted() const {
    std::vector<std::pair<Model, Case>> wanted;
    for (const Model& model : kModels) {
      if (model_ != "all" && model_ != model.name) continue;
      for (const Case& shape : kCases) {
        if (shape.context <= longest_) wanted.emplace_back(model, shape);
      }
    }
    return wanted;
  }

  absl::StatusOr<Json> RunCase(const Model& model, const Case& shape) const {
    ASSIGN_OR_RETURN(const Workload workload, MakeWorkload(model, shape));
    const double scale = 1.0 / std::sqrt(static_cast<double>(model.width));
    const auto side = [&](auto attention) {
      return SecondsOf(
          [&] { attention(workload.queries, workload.cache.layer(0), workload.plan, model.value_width, scale); });
    };
    std::vector<BenchRound> own, aten;
    for (int64_t i = 0; i <= num_rounds_; ++i) {
      const BenchRound round = {side(MlaAttentionOverPages), ""};
      const BenchRound plain = {side(MlaAttentionOverPagesReference), ""};
      if (i == 0) continue;  // pages and caches are warm now
      own.push_back(round);
      aten.push_back(plain);
    }
    const double gflops = FlopsOf(model, shape) / MedianSeconds(own) / 1e9;
    Json json;
    json["model"] = model.name;
    json["case"] = shape.name;
    json["sequences"] = shape.sequences;
    json["tokens"] = shape.tokens;
    json["context"] = shape.context;
    json["group_size"] = shape.group_size;
    json["seconds"] = MedianSeconds(own);
    json["aten_seconds"] = MedianSeconds(aten);
    json["aten_over_plumb"] = MedianSeconds(aten) / MedianSeconds(own);
    json["gflops"] = gflops;
    json["share_of_fma_peak"] = gflops / peak_;
    return json;
  }

  int64_t num_rounds_ = 9;
  int64_t threads_ = 2;
  std::string isa_ = "auto";
  std::string model_ = "all";
  int64_t longest_ = 4096;
  double peak_ = 0;
};

}  // namespace

CommandEntry AttentionBench() {
  return {
      .name = "attention",
      .summary = "One layer's attention over cache pages against ATen's operations.",
      .details =
          "Decode and prefill with the shapes of bench-t and of DeepSeek-V2-Lite, float32, in turn with the plain\n"
          "ATen form. aten_over_plumb is the ratio of the medians: over 1, Plumb is faster. The longest cases take\n"
          "2 GB. The environment variable PLUMB_ISA pins the instruction set.",
      .example = "plumb bench attention --threads 2 --rounds 9",
      .make = [] { return std::make_unique<Bench>(); }};
}

}  // namespace plumb::cli
