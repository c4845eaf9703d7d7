#include <gmock/gmock.h>

#include <cstdlib>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::GoldenPath;
using plumb::testing::MustRead;
using ::testing::HasSubstr;

// PLUMB_UPDATE_GOLDENS=1 writes the files anew.
void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = GoldenPath("help/" + name + ".txt");
  if (std::getenv("PLUMB_UPDATE_GOLDENS") != nullptr) {
    ASSERT_TRUE(WriteFileAtomic(path, text).ok());
    return;
  }
  EXPECT_EQ(text, MustRead(path)) << "run tools_commands_test with PLUMB_UPDATE_GOLDENS=1 if the new text is right";
}

class HelpGoldenTest : public ::testing::TestWithParam<const char*> {};

TEST_P(HelpGoldenTest, IsAsAgreed) {
  std::vector<std::string> words = absl::StrSplit(GetParam(), ' ');
  words.push_back("--help");
  const CommandResult result = Plumb(words);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  EXPECT_THAT(result.output, HasSubstr("\nExample:\n"));
  ExpectGolden(absl::StrReplaceAll(GetParam(), {{" ", "-"}}), result.output);
}

INSTANTIATE_TEST_SUITE_P(Commands, HelpGoldenTest,
                         ::testing::Values("init", "sft", "grpo", "rollout", "reward", "generate", "score", "eval",
                                           "tokenize", "checkpoint verify", "checkpoint export", "plan", "report",
                                           "doctor", "config-reference", "gradients"));

TEST(ProgramHelpGoldenTest, ListsTheCommands) {
  const CommandResult result = Plumb({"--help"});
  EXPECT_EQ(result.exit_code, 0);
  ExpectGolden("plumb", result.output);
}

TEST(CommandListFaultTest, AnUnknownCommandIsNamed) {
  const CommandResult result = Plumb({"genrate", "--model", "x"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("genrate: unknown command; did you mean generate?"));
  EXPECT_EQ(Plumb({}).exit_code, 2);
}

TEST(CommandListFaultTest, AnUnknownOptionAndAWrongValueAreReportedTogether) {
  const CommandResult result = Plumb({"generate", "--modle", "x", "--temperature", "-1", "--input", "y"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.errors, HasSubstr("--modle: unknown option; did you mean --model?"));
  EXPECT_THAT(result.errors, HasSubstr("--temperature: -1 is not more than 0"));
  EXPECT_THAT(result.errors, HasSubstr("--model: required"));
}

TEST(CommandListFaultTest, AnOptionWithoutItsValueIsAnError) {
  const CommandResult result = Plumb({"generate", "--model"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("--model"));
}

}  // namespace
}  // namespace plumb::cli
