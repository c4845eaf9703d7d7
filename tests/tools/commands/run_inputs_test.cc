#include <map>

#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::SourcePath;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(RunInputsFaultTest, EveryFileThatIsMissingIsNamedAtOnce) {
  const TestFolder folder;
  const std::string config = WriteTemporary(
      folder, "sft.yaml",
      "model: deepseek-ai/none\noutput: o\nstepz: 1\ndata: {file: a.jsonl}\neval_data: {file: b.jsonl}\n");
  for (const bool check : {true, false}) {
    std::vector<std::string> words = {"sft", "--config", config};
    if (check) words.push_back("--check");
    const CommandResult result = Plumb(words);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.errors, HasSubstr("stepz: unknown key"));
    if (!check) continue;
    EXPECT_THAT(result.errors, HasSubstr("\nmodel: deepseek-ai/none: no such folder"));
    EXPECT_THAT(result.errors, HasSubstr("\ndata.file: cannot open a.jsonl"));
    EXPECT_THAT(result.errors, HasSubstr("\neval_data.file: cannot open b.jsonl"));
  }
}

TEST(RunInputsFaultTest, AModelWithoutATokenizerAndAWrongRowAreFound) {
  const TestFolder folder;
  const std::string rows = WriteTemporary(folder, "rows.jsonl", "no json\n");
  EXPECT_TRUE(MakeFolder(folder.File("model")).ok());
  for (const std::string name : {"config.json", "model.safetensors"}) {
    WriteTemporary(folder, "model/" + name, plumb::testing::MustRead(TinyPolicy() + "/" + name));
  }
  const CommandResult result = Plumb({"grpo", "--config", SourcePath("examples/arithmetic/grpo.yaml"), "--check",
                                      "--set", "model=" + folder.File("model"), "--set", "data.file=" + rows, "--set",
                                      "eval.data.file=" + folder.path()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("model/tokenizer.json: no such file"));
  EXPECT_THAT(result.errors, HasSubstr("rows.jsonl:1"));
  EXPECT_THAT(result.errors, HasSubstr("eval.data.file: " + folder.path() + ": is a folder"));
}

TEST(RunInputsFaultTest, ACheckReadsAllRows) {
  const TestFolder folder;
  const std::string rows =
      WriteTemporary(folder, "rows.jsonl", "{\"question\": \"1+1\", \"answer\": \"2\"}\nno json\n");
  for (const std::string stage : {"sft", "grpo"}) {
    const CommandResult result = Plumb({stage, "--config", SourcePath("examples/arithmetic/" + stage + ".yaml"),
                                        "--check", "--set", "model=" + TinyPolicy(), "--set", "data.file=" + rows});
    EXPECT_EQ(result.exit_code, 2) << stage;
    EXPECT_THAT(result.errors, HasSubstr("rows.jsonl:2")) << stage;
  }
}

// A model folder like TinyPolicy(), but for the files that are given.
std::string ModelWith(const TestFolder& folder, const std::map<std::string, std::string>& files) {
  EXPECT_TRUE(MakeFolder(folder.File("model")).ok());
  for (const std::string name : {"config.json", "model.safetensors", "tokenizer.json"}) {
    const auto given = files.find(name);
    const std::string text = given == files.end() ? plumb::testing::MustRead(TinyPolicy() + "/" + name) : given->second;
    WriteTemporary(folder, "model/" + name, text);
  }
  return folder.File("model");
}

TEST(RunInputsFaultTest, WeightsThatDoNotFitTheConfigurationAreFoundBeforeTheRun) {
  const TestFolder folder;
  Json config = plumb::testing::MustReadJson(TinyPolicy() + "/config.json");
  config["v_head_dim"] = 16;
  const std::string model = ModelWith(folder, {{"config.json", DumpJson(config)}});
  for (const std::string stage : {"sft", "grpo"}) {
    const CommandResult result = Plumb({stage, "--config", SourcePath("examples/arithmetic/" + stage + ".yaml"),
                                        "--check", "--set", "model=" + model});
    EXPECT_EQ(result.exit_code, 2) << stage;
    EXPECT_THAT(result.errors, HasSubstr("model: " + model + ": model.layers.0.self_attn.kv_b_proj.weight: shape is"));
  }
}

TEST(RunInputsFaultTest, ABrokenTokenizerIsFoundBeforeTheRun) {
  const TestFolder folder;
  const std::string model = ModelWith(folder, {{"tokenizer.json", "{}"}});
  const CommandResult result =
      Plumb({"sft", "--config", SourcePath("examples/arithmetic/sft.yaml"), "--check", "--set", "model=" + model});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("model: " + model + "/tokenizer.json: "));
}

}  // namespace
}  // namespace plumb::cli
