#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::MustReadJsonLines;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(SamplingOptionsTest, TopKOneIsGreedy) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"prompt_ids\":[3,4]}\n");
  const auto ids = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> words = {"generate", "--model",          TinyPolicy(),       "--input", input,
                                      "--output", folder.File("out"), "--max-new-tokens", "5"};
    words.insert(words.end(), flags.begin(), flags.end());
    EXPECT_EQ(Plumb(words).exit_code, 0);
    return MustReadJsonLines(folder.File("out"))[0]["completions"][0]["ids"];
  };
  EXPECT_EQ(ids({"--greedy"}), ids({"--top-k", "1"}));
}

TEST(SamplingOptionsFaultTest, AWorkerThatDoesNotAnswerIsNamed) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"prompt_ids\":[3,4]}\n");
  const CommandResult result = Plumb({"generate", "--model", TinyPolicy(), "--input", input, "--worker",
                                      "unix:" + folder.File("nobody"), "--connect-seconds", "1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("nobody"));
}

}  // namespace
}  // namespace plumb::cli
