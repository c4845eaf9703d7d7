#include "policy/export/config_spelling.h"

#include <gtest/gtest.h>

#include "policy/model_config.h"
#include "tests/policy/export/published_configs.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using testing::PublishedConfig;
using testing::PublishedConfigNames;

TEST(ConfigSpellingPropertyTest, ThereAndBackHasTheSameKeysAndTheSameMeaning) {
  for (const std::string& name : PublishedConfigNames()) {
    const Json hub = PublishedConfig(name);
    EXPECT_EQ(SpellingOf(hub), ConfigSpelling::kHub);
    const Json version5 = WithSpelling(hub, ConfigSpelling::kTransformers5);
    EXPECT_EQ(SpellingOf(version5), ConfigSpelling::kTransformers5);
    EXPECT_FALSE(version5.contains("rope_theta")) << name;
    ASSERT_OK_AND_ASSIGN(const ModelConfig before, ParseModelConfig(hub));
    ASSERT_OK_AND_ASSIGN(const ModelConfig after, ParseModelConfig(version5));
    EXPECT_EQ(after.rope.theta, before.rope.theta);
    EXPECT_EQ(after.rope.yarn, before.rope.yarn);
    EXPECT_EQ(SoftmaxScale(after), SoftmaxScale(before));
    EXPECT_EQ(nlohmann::json(WithSpelling(version5, ConfigSpelling::kHub)), nlohmann::json(hub)) << name;
    EXPECT_EQ(WithSpelling(hub, ConfigSpelling::kHub), hub);
  }
}

TEST(ConfigSpellingTest, TheNewSpellingKeepsAllInOneObject) {
  const Json version5 = WithSpelling(PublishedConfig("moonlight"), ConfigSpelling::kTransformers5);
  EXPECT_EQ(version5["rope_parameters"], (Json{{"rope_type", "default"}, {"rope_theta", 50000}}));
  EXPECT_EQ(version5["dtype"], "bfloat16");
  const Json yarn = WithSpelling(PublishedConfig("v3"), ConfigSpelling::kTransformers5)["rope_parameters"];
  EXPECT_EQ(yarn["rope_type"], "yarn");
  EXPECT_EQ(yarn["factor"], 40);
  EXPECT_FALSE(yarn.contains("type"));
}

TEST(ConfigSpellingTest, TheTypeGoesUnderTheSpellingsName) {
  Json hub = PublishedConfig("v3");
  SetConfigDtype(hub, "float32");
  EXPECT_EQ(hub["torch_dtype"], "float32");
  EXPECT_FALSE(hub.contains("dtype"));
  Json version5 = WithSpelling(PublishedConfig("v3"), ConfigSpelling::kTransformers5);
  SetConfigDtype(version5, "float16");
  EXPECT_EQ(version5["dtype"], "float16");
  EXPECT_FALSE(version5.contains("torch_dtype"));
}

TEST(ConfigSpellingTest, WhatStandsBesideTheNewObjectIsNotLost) {
  Json version5 = WithSpelling(PublishedConfig("moonlight"), ConfigSpelling::kTransformers5);
  version5["rope_parameters"].erase("rope_theta");
  version5["rope_theta"] = 50000;
  EXPECT_EQ(WithSpelling(version5, ConfigSpelling::kHub)["rope_theta"], 50000);
  Json both = WithSpelling(PublishedConfig("v3"), ConfigSpelling::kTransformers5);
  both["rope_scaling"] = PublishedConfig("v3")["rope_scaling"];
  EXPECT_EQ(nlohmann::json(WithSpelling(both, ConfigSpelling::kHub)), nlohmann::json(PublishedConfig("v3")));
}

}  // namespace
}  // namespace plumb
