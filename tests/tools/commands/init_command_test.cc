#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::MustRead;
using plumb::testing::MustReadJson;
using plumb::testing::SourcePath;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

std::vector<std::string> Arguments(const std::string& out, const std::string& seed) {
  return {"init",   "--preset",    "tiny-demo",
          "--seed", seed,          "--out",
          out,      "--tokenizer", SourcePath("examples/arithmetic/tokenizer.json")};
}

TEST(InitCommandTest, WritesAPolicyFolderWithItsTokenizer) {
  EXPECT_EQ(MustRead(TinyPolicy() + "/tokenizer.json"), MustRead(SourcePath("examples/arithmetic/tokenizer.json")));
  EXPECT_TRUE(FileExists(TinyPolicy() + "/tokenizer_config.json"));
  EXPECT_TRUE(FileExists(TinyPolicy() + "/model.safetensors"));
  EXPECT_GT(MustReadJson(TinyPolicy() + "/config.json")["vocab_size"].get<int>(), 0);
}

TEST(InitCommandTest, EqualSeedsGiveEqualBytes) {
  const TestFolder folder;
  ASSERT_EQ(Plumb(Arguments(folder.File("a"), "0")).exit_code, 0);
  ASSERT_EQ(Plumb(Arguments(folder.File("b"), "1")).exit_code, 0);
  EXPECT_EQ(MustRead(folder.File("a") + "/model.safetensors"), MustRead(TinyPolicy() + "/model.safetensors"));
  EXPECT_NE(MustRead(folder.File("a") + "/model.safetensors"), MustRead(folder.File("b") + "/model.safetensors"));
}

TEST(InitCommandTest, TakesAConfigJson) {
  const TestFolder folder;
  const CommandResult result = Plumb({"init", "--config", TinyPolicy() + "/config.json", "--tokenizer",
                                      TinyPolicy() + "/tokenizer.json", "--out", folder.File("p")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("\"parameters\":"));
}

TEST(InitCommandFaultTest, WrongInputIsNamed) {
  const TestFolder folder;
  CommandResult result = Plumb({"init", "--preset", "huge", "--out", folder.File("p"), "--tokenizer",
                                SourcePath("examples/arithmetic/tokenizer.json")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("tiny-demo"));
  EXPECT_FALSE(FolderExists(folder.File("p")));

  result = Plumb({"init", "--preset", "tiny-demo", "--out", folder.File("p"), "--tokenizer", folder.File("none.json")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("none.json"));

  result = Plumb({"init", "--preset", "tiny-demo", "--out", folder.File("p"), "--tokenizer", TinyPolicy()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("is a folder, expected a file such as " + TinyPolicy() + "/tokenizer.json"));

  const std::string config = WriteTemporary(folder, "bad1.json", "{\"model_type\": \"llama\"}");
  result =
      Plumb({"init", "--config", config, "--out", folder.File("p"), "--tokenizer", TinyPolicy() + "/tokenizer.json"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("bad1.json: "));
  EXPECT_THAT(result.errors, ::testing::Not(HasSubstr("config.json")));

  result = Plumb(Arguments(TinyPolicy(), "0"));
  EXPECT_EQ(result.exit_code, 2) << "the folder exists";
  EXPECT_THAT(result.errors, HasSubstr(TinyPolicy()));

  EXPECT_THAT(Plumb({"init", "--tokenizer", "x", "--out", folder.File("p")}).errors,
              HasSubstr("expected exactly one of --preset and --config"));
}

}  // namespace
}  // namespace plumb::cli
