#include <cmath>
#include <cstring>

#include "checkpoint/safetensors.h"
#include "tests/testing/status_matchers.h"
#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::MustReadJsonLines;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

// log softmax of the row of logits at `position`, at `id`.
double LogProbability(const TensorBytes& logits, int64_t position, int64_t id) {
  const int64_t width = logits.shape[1];
  std::vector<float> row(width);
  std::memcpy(row.data(), logits.bytes.data() + position * width * sizeof(float), width * sizeof(float));
  double sum = 0;
  for (const float logit : row) sum += std::exp(static_cast<double>(logit));
  return row[id] - std::log(sum);
}

TEST(ScoreCommandTest, LogProbabilitiesAreThoseOfTheLogits) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl",
                                           "{\"prompt_ids\":[3,4],\"completion_ids\":[5,6,7],\"k\":1}\n"
                                           "{\"prompt_ids\":[8],\"completion_ids\":[]}\n");
  const CommandResult result = Plumb({"score", "--model", TinyPolicy(), "--input", input, "--output",
                                      folder.File("out"), "--all-logits", folder.File("logits.safetensors")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const std::vector<Json> rows = MustReadJsonLines(folder.File("out"));
  EXPECT_EQ(rows[0]["k"], 1);
  ASSERT_EQ(rows[0]["logprobs"].size(), 3);
  EXPECT_EQ(rows[1]["logprobs"].size(), 0);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SafetensorsFile> file,
                       SafetensorsFile::Open(folder.File("logits.safetensors")));
  const TensorBytes& logits = file->tensors().at("logits.0");
  EXPECT_EQ(logits.shape[0], 5);
  EXPECT_EQ(file->tensors().at("logits.1").shape[0], 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(rows[0]["logprobs"][i].get<double>(), LogProbability(logits, 1 + i, 5 + i), 1e-5);
  }
}

TEST(ScoreCommandPropertyTest, ScoresAreThoseThatGenerationReturned) {
  const TestFolder folder;
  const std::string prompts = WriteTemporary(folder, "in.jsonl", "{\"prompt_ids\":[3,4,5]}\n");
  ASSERT_EQ(Plumb({"generate", "--model", TinyPolicy(), "--input", prompts, "--output", folder.File("generated"),
                   "--max-new-tokens", "8"})
                .exit_code,
            0);
  const Json completion = MustReadJsonLines(folder.File("generated"))[0]["completions"][0];
  Json row;
  row["prompt_ids"] = {3, 4, 5};
  row["completion_ids"] = completion["ids"];
  const std::string input = WriteTemporary(folder, "rows.jsonl", DumpJson(row) + "\n");
  ASSERT_EQ(Plumb({"score", "--model", TinyPolicy(), "--input", input, "--output", folder.File("scored")}).exit_code,
            0);
  const Json scored = MustReadJsonLines(folder.File("scored"))[0];
  for (size_t i = 0; i < completion["logprobs"].size(); ++i) {
    EXPECT_NEAR(scored["logprobs"][i].get<double>(), completion["logprobs"][i].get<double>(), 1e-5);
  }
}

TEST(ScoreCommandFaultTest, AWrongIdIsNamed) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"prompt_ids\":[3],\"completion_ids\":[1000000]}\n");
  const CommandResult result = Plumb({"score", "--model", TinyPolicy(), "--input", input});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("in.jsonl:1: completion_ids[0] is 1000000, but the vocabulary has"));
}

TEST(ScoreCommandFaultTest, DamagedWeightsAreNamed) {
  const TestFolder folder;
  for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json"}) {
    WriteTemporary(folder, name, plumb::testing::MustRead(TinyPolicy() + "/" + name));
  }
  const std::string weights = plumb::testing::MustRead(TinyPolicy() + "/model.safetensors");
  WriteTemporary(folder, "model.safetensors", weights.substr(0, weights.size() / 2));
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"prompt_ids\":[3],\"completion_ids\":[4]}\n");
  const CommandResult result = Plumb({"score", "--model", folder.path(), "--input", input});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("model.safetensors"));
}

TEST(ScoreCommandFaultTest, NumbersThatAreNotFiniteAreNamed) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"prompt_ids\":[3,4],\"completion_ids\":[5,6,7]}\n");
  const CommandResult result = Plumb({"score", "--model", BrokenPolicy(folder), "--input", input});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("in.jsonl:1: the log-probability of completion token 0 is nan"));
}

}  // namespace
}  // namespace plumb::cli
