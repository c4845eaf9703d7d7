#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::MustReadJsonLines;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

constexpr char kRows[] =
    "{\"question\":\"1 + 2\",\"answer\":\"#### 3\"}\n"
    "{\"question\":\"2 + 2\",\"answer\":\"\"}\n";

TEST(EvalCommandTest, PrintsOneObjectAndWritesTheRows) {
  const TestFolder folder;
  const std::string data = WriteTemporary(folder, "in.jsonl", kRows);
  const CommandResult result =
      Plumb({"eval", "--model", TinyPolicy(), "--data", data, "--no-chat-template", "--prompt-template",
             "{question}\\n", "--max-new-tokens", "4", "--samples", "4", "--output", folder.File("out")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const absl::StatusOr<Json> summary = ParseJson(result.output, "stdout");
  ASSERT_TRUE(summary.ok()) << result.output;
  EXPECT_EQ((*summary)["rows"], 2);
  EXPECT_EQ((*summary)["not_scored"], 1) << "a row without an answer cannot be scored";
  EXPECT_TRUE((*summary)["accuracy"].is_number());
  EXPECT_EQ((*summary)["pass@k"].size(), 3);
  EXPECT_TRUE((*summary)["majority"].is_number());
  const std::vector<Json> rows = MustReadJsonLines(folder.File("out"));
  EXPECT_EQ(rows[0]["prompt_text"], "1 + 2\n");
  EXPECT_EQ(rows[0]["sampled"].size(), 4);
  EXPECT_TRUE(rows[1]["greedy"][0]["value"].is_null());
}

TEST(EvalCommandFaultTest, WrongDataIsNamed) {
  const TestFolder folder;
  const std::string data = WriteTemporary(folder, "in.jsonl", "{\"question\":\"1\"\n");
  const CommandResult result = Plumb({"eval", "--model", TinyPolicy(), "--data", data});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("in.jsonl:1"));
}

TEST(EvalCommandFaultTest, AMissingRewardConfigIsNamed) {
  const CommandResult result = Plumb({"eval", "--model", "m", "--data", "d", "--reward-config", "none.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("none.yaml"));
}

}  // namespace
}  // namespace plumb::cli
