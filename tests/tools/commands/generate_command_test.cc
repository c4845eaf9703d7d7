#include "tests/tools/commands/tiny_policy.h"

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

// The same tokens, and log-probabilities that differ by rounding at most.
void ExpectSameCompletions(const Json& left, const Json& right) {
  ASSERT_EQ(left.size(), right.size());
  for (size_t i = 0; i < left.size(); ++i) {
    ASSERT_EQ(left[i]["ids"], right[i]["ids"]);
    EXPECT_EQ(left[i]["text"], right[i]["text"]);
    for (size_t t = 0; t < left[i]["ids"].size(); ++t) {
      EXPECT_NEAR(left[i]["logprobs"][t].get<double>(), right[i]["logprobs"][t].get<double>(), 1e-5);
    }
  }
}

TEST(GenerateCommandPropertyTest, AWorkerGivesWhatALocalEngineGives) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", kRows);
  ASSERT_EQ(Plumb(Arguments(input, folder.File("local.jsonl"))).exit_code, 0);
  const RunningService worker = StartService({"rollout", "--model", TinyPolicy(), "--listen", "127.0.0.1:0"});
  std::vector<std::string> arguments = Arguments(input, folder.File("remote.jsonl"));
  arguments.insert(arguments.end(), {"--worker", Address(worker)});
  const CommandResult result = Plumb(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const std::vector<Json> remote = MustReadJsonLines(folder.File("remote.jsonl"));
  const std::vector<Json> local = MustReadJsonLines(folder.File("local.jsonl"));
  for (size_t i = 0; i < local.size(); ++i) {
    ExpectSameCompletions(remote[i]["completions"], local[i]["completions"]);
  }
}

TEST(GenerateCommandPropertyTest, ARowAloneIsTheRowAmongOthers) {
  const TestFolder folder;
  const std::string both = WriteTemporary(folder, "both.jsonl", kRows);
  const std::string alone = WriteTemporary(folder, "alone.jsonl", "{\"prompt_ids\":[3,4,5],\"id\":\"x\"}\n");
  ASSERT_EQ(Plumb(Arguments(both, folder.File("out_both"))).exit_code, 0);
  ASSERT_EQ(Plumb(Arguments(alone, folder.File("out_alone"))).exit_code, 0);
  ExpectSameCompletions(MustReadJsonLines(folder.File("out_both"))[1]["completions"],
                        MustReadJsonLines(folder.File("out_alone"))[0]["completions"]);
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

TEST(GenerateCommandTest, TextIsForPeople) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", kRows);
  const CommandResult result = Plumb(
      {"generate", "--model", TinyPolicy(), "--input", input, "--text", "--group-size", "2", "--max-new-tokens", "3"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("=== " + input + ":1\n1 + 2\n--- completion 1 of 2: "));
  EXPECT_THAT(result.output, HasSubstr("=== " + input + ":2\n[3,4,5]\n"));
  EXPECT_THAT(result.output, HasSubstr("--- completion 2 of 2: "));
}

TEST(GenerateCommandFaultTest, TextAndOutputExcludeEachOther) {
  const CommandResult result = Plumb({"generate", "--model", "m", "--input", "i", "--text", "--output", "o"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("--text: "));
}

TEST(GenerateCommandFaultTest, TextNeedsATokenizer) {
  const TestFolder folder;
  const std::string model = folder.File("ids");
  ASSERT_TRUE(MakeFolder(model).ok());
  for (const std::string name : {"config.json", "model.safetensors"}) {
    WriteTemporary(folder, "ids/" + name, MustRead(TinyPolicy() + "/" + name));
  }
  const std::string input = WriteTemporary(folder, "rows.jsonl", "{\"prompt_ids\": [5, 6]}\n");
  const std::vector<std::string> words = {"generate", "--model", model, "--input", input, "--max-new-tokens", "4"};
  EXPECT_EQ(Plumb(words).exit_code, 0);
  std::vector<std::string> for_people = words;
  for_people.emplace_back("--text");
  const CommandResult result = Plumb(for_people);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.errors,
              HasSubstr("--text: " + model + " has no tokenizer.json, so that completions are ids alone"));
}

TEST(GenerateCommandFaultTest, WhatTheEngineRefusesNamesTheRow) {
  const TestFolder folder;
  const std::string input =
      WriteTemporary(folder, "in.jsonl", "{\"prompt_ids\":[3]}\n\n{\"prompt_ids\":[3,4,999999]}\n");
  const CommandResult result = Plumb({"generate", "--model", TinyPolicy(), "--input", input});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("in.jsonl:3: prompt_ids[2]: is 999999"));
}

TEST(GenerateCommandFaultTest, ATemperatureOfZeroPointsToGreedy) {
  const CommandResult result = Plumb({"generate", "--model", "m", "--input", "i", "--temperature", "0"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("--temperature: 0 is not more than 0; --greedy takes"));
}

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
