#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::MustReadJsonLines;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(RowIdsTest, APromptAndItsIdsAreTheSame) {
  const TestFolder folder;
  const std::string text = WriteTemporary(folder, "text.jsonl", "{\"text\":\"12 + 7\"}\n");
  const plumb::testing::CommandResult tokenized =
      Plumb({"tokenize", "--model", TinyPolicy(), "--input", text, "--output", folder.File("ids")});
  ASSERT_EQ(tokenized.exit_code, 0) << tokenized.errors;
  Json by_ids;
  by_ids["prompt_ids"] = MustReadJsonLines(folder.File("ids"))[0]["ids"];
  by_ids["id"] = "same";
  const std::string input = WriteTemporary(folder, "by_ids.jsonl", DumpJson(by_ids) + "\n");
  const std::string prompt = WriteTemporary(folder, "prompt.jsonl", "{\"prompt\":\"12 + 7\",\"id\":\"same\"}\n");
  for (const std::string& path : {input, prompt}) {
    ASSERT_EQ(Plumb({"generate", "--model", TinyPolicy(), "--input", path, "--output", path + ".out",
                     "--max-new-tokens", "4"})
                  .exit_code,
              0);
  }
  EXPECT_EQ(MustReadJsonLines(input + ".out")[0]["completions"], MustReadJsonLines(prompt + ".out")[0]["completions"]);
}

}  // namespace
}  // namespace plumb::cli
