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

TEST(GenerationRatesTest, TheSameCaseGivesTheSameBitsAgain) {
  const BenchModel model = TinyModel();
  const absl::StatusOr<GenerationRound> first = RunGeneration(model, {3, 20, 5});
  const absl::StatusOr<GenerationRound> second = RunGeneration(model, {3, 20, 5});
  const absl::StatusOr<GenerationRound> longer = RunGeneration(model, {3, 20, 6});
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(second.ok() && longer.ok());
  EXPECT_EQ(first->digest, second->digest);
  EXPECT_NE(first->digest, longer->digest);
  EXPECT_GT(first->prefill_seconds, 0);
  EXPECT_GT(first->decode_seconds, 0);
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
  EXPECT_FALSE(RunGeneration(TinyModel(), {1, 1000, 100}).ok());  // tiny-demo has 1024 positions
}

}  // namespace
}  // namespace plumb::cli
