#include "tests/tools/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::MustRead;
using plumb::testing::MustReadJsonLines;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

constexpr char kRows[] =
    "{\"prompt\":\"1 + 2\",\"answer\":\"3\"}\n"
    "{\"prompt_ids\":[3,4,5],\"id\":\"x\"}\n";

std::vector<std::string> Arguments(const std::string& input, const std::string& output) {
  return {"generate",         "--model", TinyPolicy(),   "--input", input,    "--output", output,
          "--max-new-tokens", "6",       "--group-size", "2",       "--seed", "7"};
}

TEST(GenerateCommandTest, AddsCompletionsToTheRows) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", kRows);
  const CommandResult result = Plumb(Arguments(input, folder.File("out.jsonl")));
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.output, "");
  const std::vector<Json> rows = MustReadJsonLines(folder.File("out.jsonl"));
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0]["answer"], "3");
  ASSERT_EQ(rows[0]["completions"].size(), 2);
  const Json& completion = rows[0]["completions"][0];
  const size_t tokens = completion["ids"].size();
  EXPECT_GE(tokens, 1);
  EXPECT_LE(tokens, 6);
  EXPECT_EQ(completion["logprobs"].size(), tokens);
  EXPECT_EQ(completion["sampling_logprobs"].size(), tokens);
  EXPECT_TRUE(completion["text"].is_string());
  EXPECT_TRUE(completion["finish_reason"] == "length" || completion["finish_reason"] == "stop");
  EXPECT_TRUE(completion.contains("stop"));
}

TEST(GenerateCommandPropertyTest, AWorkerGivesTheSameBytesAsALocalEngine) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", kRows);
  ASSERT_EQ(Plumb(Arguments(input, folder.File("local.jsonl"))).exit_code, 0);
  const RunningService worker = StartService({"rollout", "--model", TinyPolicy(), "--listen", "127.0.0.1:0"});
  std::vector<std::string> arguments = Arguments(input, folder.File("remote.jsonl"));
  arguments.insert(arguments.end(), {"--worker", Address(worker)});
  const CommandResult result = Plumb(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(MustRead(folder.File("remote.jsonl")), MustRead(folder.File("local.jsonl")));
}

TEST(GenerateCommandPropertyTest, ARowAloneIsTheRowAmongOthers) {
  const TestFolder folder;
  const std::string both = WriteTemporary(folder, "both.jsonl", kRows);
  const std::string alone = WriteTemporary(folder, "alone.jsonl", "{\"prompt_ids\":[3,4,5],\"id\":\"x\"}\n");
  ASSERT_EQ(Plumb(Arguments(both, folder.File("out_both"))).exit_code, 0);
  ASSERT_EQ(Plumb(Arguments(alone, folder.File("out_alone"))).exit_code, 0);
  EXPECT_EQ(MustReadJsonLines(folder.File("out_both"))[1], MustReadJsonLines(folder.File("out_alone"))[0]);
}

struct WrongRows {
  std::string text;
  std::string message;
};

class GenerateRowsFaultTest : public ::testing::TestWithParam<WrongRows> {};

TEST_P(GenerateRowsFaultTest, NameTheirFileAndLine) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", GetParam().text);
  const CommandResult result = Plumb(Arguments(input, folder.File("out")));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("in.jsonl" + GetParam().message));
  EXPECT_FALSE(FileExists(folder.File("out")));
}

INSTANTIATE_TEST_SUITE_P(Rows, GenerateRowsFaultTest,
                         ::testing::Values(WrongRows{"{\"prompt\":\"1\"}\n{\"question\":1}\n",
                                                     ":2: expected exactly one of prompt"},
                                           WrongRows{"{\"prompt\":1}\n", ":1"}, WrongRows{"{\"prompt\":\n", ":1"},
                                           WrongRows{"{\"prompt_ids\":[]}\n", ":1: prompt_ids: is empty"},
                                           WrongRows{"{\"prompt\":\"1\",\"id\":5}\n{\"prompt\":\"2\",\"id\":\"5\"}\n",
                                                     ":2: id 5: already at "}));

TEST(GenerateCommandFaultTest, AMissingModelIsNamed) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", kRows);
  const CommandResult result = Plumb({"generate", "--model", folder.File("none"), "--input", input});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr(folder.File("none")));
}

TEST(GenerateCommandFaultTest, GreedyRefusesATemperature) {
  const CommandResult result = Plumb({"generate", "--model", "m", "--input", "i", "--greedy", "--temperature", "0.5"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("--temperature: has no effect with --greedy"));
}

}  // namespace
}  // namespace plumb::cli
