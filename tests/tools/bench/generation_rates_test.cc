#include "tools/bench/generation_rates.h"

#include <gtest/gtest.h>

namespace plumb::cli {
namespace {

BenchModel TinyModel() {
  BenchModelOptions options;
  options.preset = "tiny-demo";
  options.threads = 1;
  absl::StatusOr<BenchModel> model = OpenBenchModel(options);
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

GenerationRound RoundOf(const BenchModel& model, const GenerationCase& wanted, Engine& engine) {
  absl::StatusOr<GenerationRound> round = RunGeneration(model, wanted, engine);
  EXPECT_TRUE(round.ok()) << round.status();
  return *std::move(round);
}

TEST(GenerationRatesTest, TheSameCaseComputesTheSameBitsAgain) {
  const BenchModel model = TinyModel();
  const std::unique_ptr<Engine> engine = *EngineFor(model, {{3, 20, 6}});
  const GenerationRound first = RoundOf(model, {3, 20, 5}, *engine);
  const int64_t computed = engine->counters().computed_tokens;
  EXPECT_GE(computed, 3 * 24);
  const GenerationRound second = RoundOf(model, {3, 20, 5}, *engine);
  EXPECT_EQ(engine->counters().computed_tokens, 2 * computed);
  EXPECT_EQ(first.digest, second.digest);
  EXPECT_NE(first.digest, RoundOf(model, {3, 20, 6}, *engine).digest);
  EXPECT_EQ(first.digest, RoundOf(model, {3, 20, 5}, **EngineFor(model, {{3, 20, 5}})).digest);
  EXPECT_GT(first.prefill_seconds, 0);
  EXPECT_GT(first.decode_seconds, 0);
}

TEST(GenerationRatesTest, RatesFollowFromTheSeconds) {
  const absl::StatusOr<Json> json = MeasureGeneration(TinyModel(), {{2, 20, 5}, {4, 10, 1}}, /*rounds=*/1);
  ASSERT_TRUE(json.ok()) << json.status();
  ASSERT_EQ((*json)["cases"].size(), 2u);
  const Json& decode = (*json)["cases"][0]["decode"];
  EXPECT_NEAR(decode["tokens_per_second"].get<double>() * decode["median"].get<double>(), 2 * 4, 1e-9);
  const Json& prefill = (*json)["cases"][1]["prefill"];
  EXPECT_NEAR(prefill["tokens_per_second"].get<double>() * prefill["median"].get<double>(), 4 * 10, 1e-9);
  EXPECT_FALSE((*json)["cases"][1].contains("decode"));
}

TEST(GenerationRatesFaultTest, ATooLongContextIsRefused) {
  const BenchModel model = TinyModel();
  const absl::StatusOr<std::unique_ptr<Engine>> engine = EngineFor(model, {{1, 1000, 100}});
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_FALSE(RunGeneration(model, {1, 1000, 100}, **engine).ok());  // tiny-demo has 1024 positions
}

}  // namespace
}  // namespace plumb::cli
