#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/config.h"
#include "proto/config.pb.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

// The configurations of examples/reasoning_gym say what the schema allows, and fit together.
namespace plumb {
namespace {

class ExampleConfigsTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ExampleConfigsTest, AreValidAndFitTogether) {
  const std::string stem = testing::SourcePath(absl::StrCat("examples/reasoning_gym/", GetParam()));
  proto::SftConfig sft;
  ASSERT_OK(LoadConfig(stem + ".sft.yaml", {}, sft));
  proto::GrpoConfig grpo;
  ASSERT_OK(LoadConfig(stem + ".grpo.yaml", {}, grpo));
  EXPECT_EQ(grpo.model(), sft.output() + "/checkpoints/latest");
  EXPECT_EQ(grpo.data().prompt_template(), sft.data().prompt_template());
  EXPECT_NE(grpo.data().file(), sft.data().file());
  EXPECT_NE(grpo.data().file(), grpo.eval().data().file());
  ASSERT_EQ(grpo.reward().plugins_size(), 1);
  EXPECT_EQ(grpo.eval().component(), grpo.reward().plugins(0).name() + "/correct");
}

INSTANTIATE_TEST_SUITE_P(ReasoningGym, ExampleConfigsTest, ::testing::Values("spell_backward", "chain_sum"));

}  // namespace
}  // namespace plumb
