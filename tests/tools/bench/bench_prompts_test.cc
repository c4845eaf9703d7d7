#include "tools/bench/bench_prompts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using ::testing::HasSubstr;

TEST(BenchPromptsTest, TextsEncodeToTheWantedLength) {
  const std::unique_ptr<TextCodec> codec = TextCodec::Load(TinyPolicy()).value();
  const absl::StatusOr<std::vector<std::string>> prompts = ExactPrompts(*codec, 6, 9);
  ASSERT_TRUE(prompts.ok()) << prompts.status();
  EXPECT_EQ(std::set<std::string>(prompts->begin(), prompts->end()).size(), 6u);
  for (const std::string& prompt : *prompts) EXPECT_EQ(codec->EncodeText(prompt, true)->size(), 9u) << prompt;
}

TEST(BenchPromptsFaultTest, MoreThanTheTokenizerHasIsAnError) {
  const std::unique_ptr<TextCodec> codec = TextCodec::Load(TinyPolicy()).value();
  EXPECT_THAT(std::string(ExactPrompts(*codec, 1000, 1).status().message()),
              HasSubstr("texts of exactly 1 tokens, expected 1000"));
}

}  // namespace
}  // namespace plumb::cli
