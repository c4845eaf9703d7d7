#include "policy/model_size.h"

#include <gtest/gtest.h>

#include "tests/policy/export/published_configs.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using testing::PublishedConfig;

ParameterCounts CountsOf(const std::string& model) {
  return CountParameters(*ParseModelConfig(PublishedConfig(model)));
}

// Published totals, in units of 1e9; the reports round the active ones.
TEST(ModelSizeGoldenTest, TotalsOfPublishedModels) {
  EXPECT_NEAR(CountsOf("v2").total / 1e9, 235.74, 0.005);
  EXPECT_NEAR(CountsOf("v2-lite").total / 1e9, 15.706, 0.0005);
  EXPECT_NEAR(CountsOf("v3").total / 1e9, 671.03, 0.005);
  EXPECT_NEAR(CountsOf("moonlight").total / 1e9, 15.96, 0.005);
  EXPECT_NEAR(CountsOf("kimi-k2").total / 1e9, 1026.4, 0.05);
}

TEST(ModelSizeGoldenTest, ActiveParametersOfPublishedModels) {
  EXPECT_NEAR(CountsOf("v2").active / 1e9, 21.4, 0.05);
  // The report's 2.4 leaves out the embedding, one row of which is read: 102400 x 2048.
  EXPECT_NEAR((CountsOf("v2-lite").active - 102400.0 * 2048.0) / 1e9, 2.4, 0.06);
  EXPECT_NEAR(CountsOf("v3").active / 1e9, 37.6, 0.1);
  EXPECT_NEAR(CountsOf("kimi-k2").active / 1e9, 32.9, 0.5);
}

TEST(ModelSizeGoldenTest, LayersForMultiTokenPredictionCountApart) {
  EXPECT_NEAR(CountsOf("v3").mtp / 1e9, 11.6, 0.05);
  EXPECT_EQ(CountsOf("v2").mtp, 0);
}

TEST(ModelSizeTest, TheCacheHoldsOneLatentPerLayer) {
  const ModelConfig config = *ParseModelConfig(PublishedConfig("v3"));
  EXPECT_EQ(CacheNumbersPerToken(config), 35136);
  EXPECT_EQ(PlainCacheNumbersPerToken(config), 61 * 40960);
}

}  // namespace
}  // namespace plumb
