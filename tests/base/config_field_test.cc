#include "base/config_field.h"

#include <gmock/gmock.h>

#include "proto/config.pb.h"

namespace plumb {
namespace {

// Sets one field of OptimizerConfig from a plain scalar and returns what is wrong with it.
std::string Set(const std::string& name, const std::string& text, bool quoted = false) {
  proto::OptimizerConfig config;
  YamlValue value;
  value.kind = YamlValue::Kind::kScalar;
  value.text = text;
  value.quoted = quoted;
  return SetScalar(value, *config.GetDescriptor()->FindFieldByName(name), config);
}

TEST(ConfigFieldTest, AWholeNumberHasNeitherFractionNorExponent) {
  EXPECT_EQ(Set("warmup_steps", "12"), "");
  EXPECT_EQ(Set("warmup_steps", "1e3"), "expected a whole number, found 1e3");
  EXPECT_EQ(Set("warmup_steps", "1.5"), "expected a whole number, found 1.5");
  EXPECT_EQ(Set("warmup_steps", "12", /*quoted=*/true), "expected a whole number, found \"12\"");
  EXPECT_EQ(Set("warmup_steps", "3000000000"), "3000000000 does not fit into 32 bits");
}

TEST(ConfigFieldTest, ANumberTakesWholeNumbersAndExponents) {
  EXPECT_EQ(Set("learning_rate", "1"), "");
  EXPECT_EQ(Set("learning_rate", "1e-4"), "");
  EXPECT_EQ(Set("learning_rate", "nan"), "expected a number, found nan");
  EXPECT_EQ(Set("learning_rate", "1e999"), "1e999 is too large");
  EXPECT_EQ(Set("learning_rate", "0x1"), "expected a number, found 0x1");
}

TEST(ConfigFieldTest, RangesAreKept) {
  EXPECT_EQ(Set("learning_rate", "0"), "0 is not more than 0");
  EXPECT_EQ(Set("learning_rate", "2"), "2 is more than 1");
  EXPECT_EQ(Set("warmup_steps", "-1"), "-1 is less than 0");
  EXPECT_EQ(Set("min_learning_rate_ratio", "0"), "");
}

TEST(ConfigFieldTest, FormatsNumbersWithTheFewestDigits) {
  proto::OptimizerConfig config;
  config.set_learning_rate(0.1);
  EXPECT_EQ(FormatScalar(config, *config.GetDescriptor()->FindFieldByName("learning_rate"), -1), "0.1");
}

}  // namespace
}  // namespace plumb
