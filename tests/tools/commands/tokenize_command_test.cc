#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::MustReadJsonLines;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(TokenizeCommandTest, TextGivesIdsAndAMask) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"text\":\"1 + 2\"}\n");
  const CommandResult result = Plumb(
      {"tokenize", "--model", TinyPolicy(), "--input", input, "--output", folder.File("out"), "--no-special-tokens"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json row = MustReadJsonLines(folder.File("out"))[0];
  EXPECT_GE(row["ids"].size(), 3);
  EXPECT_EQ(row["train_mask"].size(), row["ids"].size());
  EXPECT_EQ(row["text"], "1 + 2");
}

TEST(TokenizeCommandTest, IdsGiveTheirText) {
  const TestFolder folder;
  const std::string model = plumb::testing::GoldenPath("tokenizer/small-v3");
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"ids\": [0, 3, 3]}\n");
  CommandResult result = Plumb({"tokenize", "--model", model, "--input", input});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(Json::parse(result.output)["text"], "<｜begin▁of▁sentence｜>!!");
  EXPECT_EQ(Json::parse(result.output)["ids"], Json({0, 3, 3}));
  result = Plumb({"tokenize", "--model", model, "--input", input, "--skip-special-tokens"});
  EXPECT_EQ(Json::parse(result.output)["text"], "!!");
}

TEST(TokenizeCommandFaultTest, IdsOfNoTokenAreRefused) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"ids\": [0, 5000]}\n");
  const CommandResult result =
      Plumb({"tokenize", "--model", plumb::testing::GoldenPath("tokenizer/small-v3"), "--input", input});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("in.jsonl:1: ids[1] is 5000, expected 0 ... "));
}

TEST(TokenizeCommandTest, ColoursShowTheText) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"text\":\"7\"}\n");
  EXPECT_THAT(Plumb({"tokenize", "--model", TinyPolicy(), "--input", input, "--color"}).output, HasSubstr("m7\x1b[0m"));
}

TEST(TokenizeCommandTest, ControlCharactersOfTheTextDoNotReachTheTerminal) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"text\":\"\\u001b[2J\"}\n");
  const std::string output = Plumb({"tokenize", "--model", TinyPolicy(), "--input", input, "--color"}).output;
  EXPECT_THAT(output, HasSubstr("m\\x1b\x1b[0m"));
}

TEST(TokenizeCommandTest, ShowsWhatSftTrainsOfARow) {
  const TestFolder folder;
  const std::string input = WriteTemporary(
      folder, "in.jsonl", "{\"prompt\":\"1\",\"completion\":\"2\"}\n{\"question\":\"1\",\"answer\":\"2\"}\n");
  const CommandResult result = Plumb({"tokenize", "--model", TinyPolicy(), "--input", input, "--output",
                                      folder.File("out"), "--prompt-template", "{question}\\n", "--no-chat-template"});
  EXPECT_EQ(result.exit_code, 2) << "the row of a prompt has no question";
  EXPECT_THAT(result.errors, HasSubstr("in.jsonl:1: the key question of the template"));

  ASSERT_EQ(Plumb({"tokenize", "--model", TinyPolicy(), "--input", input, "--output", folder.File("out")}).exit_code,
            0);
  for (const Json& row : MustReadJsonLines(folder.File("out"))) {
    const size_t length = row["ids"].size();
    ASSERT_GE(length, 3);
    EXPECT_EQ(row["train_mask"].size(), length);
    EXPECT_EQ(row["train_mask"][length - 3], false) << "the prompt";
    EXPECT_EQ(row["train_mask"][length - 2], true) << "the completion";
    EXPECT_EQ(row["train_mask"][length - 1], true) << "the end token";
    EXPECT_THAT(row["text"].get<std::string>(), HasSubstr("12"));
  }
}

TEST(TokenizeCommandFaultTest, WrongInputIsNamed) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"text\":\"7\"}\n{}\n");
  CommandResult result = Plumb({"tokenize", "--model", TinyPolicy(), "--input", input});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("in.jsonl:2: expected exactly one of text, messages, prompt, question and ids"));
  result =
      Plumb({"tokenize", "--model", TinyPolicy(), "--input", input, "--add-special-tokens", "--no-special-tokens"});
  EXPECT_EQ(result.exit_code, 2);
}

}  // namespace
}  // namespace plumb::cli
