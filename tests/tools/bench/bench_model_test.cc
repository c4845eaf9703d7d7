#include "tools/bench/bench_model.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumb::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(BenchModelTest, APresetHasTheVocabularyOfThePublishedFigures) {
  BenchModelOptions options;
  options.preset = "bench-t";
  const absl::StatusOr<BenchModel> model = OpenBenchModel(options);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->name, "bench-t");
  EXPECT_EQ(model->weights.config.vocab_size, 4096);
  EXPECT_EQ(model->weights.embed.scalar_type(), at::kFloat);
  EXPECT_EQ(model->codec, nullptr);
}

TEST(BenchModelTest, IdsAreThoseOfSplitMix64) {
  // Of Python: (16 + mix((row << 32) + p) % 4080) with the published constants.
  EXPECT_THAT(BenchIds(0, 3, 4096), ElementsAre(3071, 3681, 3806));
  EXPECT_THAT(BenchIds(2, 2, 32), ElementsAre(18, 25));
}

TEST(BenchModelTest, CountsAreAListOfWholeNumbers) {
  const absl::StatusOr<std::vector<int64_t>> counts = ParseCounts("--batch", "1,8,64");
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_THAT(*counts, ElementsAre(1, 8, 64));
}

TEST(BenchModelTest, PeakMemoryHoldsWhatThisProcessHolds) {
  const double before = PeakMemoryBytes();
  EXPECT_GT(before, 1e6);
  const std::vector<char> held(static_cast<size_t>(before) + (size_t{64} << 20), 'x');
  EXPECT_GT(PeakMemoryBytes(), before + 32e6) << held[0];
}

TEST(BenchModelFaultTest, WrongOptionsAreNamed) {
  BenchModelOptions options;
  options.preset = "bench-z";
  EXPECT_THAT(std::string(OpenBenchModel(options).status().message()), HasSubstr("no preset 'bench-z'; presets: "));
  options.model = "/nowhere";
  EXPECT_THAT(std::string(OpenBenchModel(options).status().message()), HasSubstr("/nowhere"));
  EXPECT_THAT(std::string(ParseCounts("--batch", "1,,2").status().message()),
              HasSubstr("--batch: '' in '1,,2', expected whole numbers from 1 to 65536"));
  EXPECT_FALSE(ParseCounts("--batch", "0").ok());
  EXPECT_FALSE(ParseCounts("--batch", "65537").ok());
}

}  // namespace
}  // namespace plumb::cli
