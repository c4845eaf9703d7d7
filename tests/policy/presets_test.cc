#include "policy/presets.h"

#include <gtest/gtest.h>

#include "policy/model_config.h"
#include "policy/model_size.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

int64_t ParametersOf(const std::string& preset, int64_t vocab_size) {
  return NumParameters(*ParseModelConfig(*PresetConfig(preset, vocab_size, 0, 1)));
}

TEST(PresetsTest, EveryPresetIsAValidConfiguration) {
  for (const std::string& name : PresetNames()) {
    ASSERT_OK_AND_ASSIGN(const Json config, PresetConfig(name, 100, 0, 1));
    EXPECT_OK(ParseModelConfig(config)) << name;
  }
}

TEST(PresetsTest, Sizes) {
  EXPECT_NEAR(ParametersOf("tiny-demo", 96) / 1e6, 0.72, 0.02);
  EXPECT_NEAR(ParametersOf("bench-t", 4096) / 1e6, 12.3, 0.05);
  EXPECT_NEAR(ParametersOf("bench-p", 8192) / 1e6, 557, 0.5);
}

TEST(PresetsTest, VocabularyIsRoundedUpAndIdsAreOptional) {
  ASSERT_OK_AND_ASSIGN(const Json config, PresetConfig("tiny-demo", 65, -1, -1));
  EXPECT_EQ(config["vocab_size"], 80);
  EXPECT_TRUE(config["bos_token_id"].is_null());
  EXPECT_TRUE(config["eos_token_id"].is_null());
}

TEST(PresetsTest, UnknownNameListsThePresets) {
  EXPECT_THAT(PresetConfig("huge", 100, 0, 1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tiny-demo, bench-t, bench-p, v2-lite")));
}

}  // namespace
}  // namespace plumb
