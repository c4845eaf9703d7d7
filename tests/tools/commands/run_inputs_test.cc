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

}  // namespace
}  // namespace plumb::cli
