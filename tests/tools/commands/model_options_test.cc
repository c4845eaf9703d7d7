#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(ModelOptionsTest, BothComputeTypesRun) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"prompt_ids\":[3],\"completion_ids\":[4]}\n");
  for (const char* dtype : {"float32", "bfloat16"}) {
    const CommandResult result =
        Plumb({"score", "--model", TinyPolicy(), "--input", input, "--dtype", dtype, "--threads", "1"});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_THAT(result.output, HasSubstr("\"logprobs\":[-"));
  }
}

TEST(ModelOptionsFaultTest, ADeviceThatIsNotThereIsTheEnvironmentsFault) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"prompt_ids\":[3],\"completion_ids\":[4]}\n");
  const std::vector<std::string> words = {"score", "--model", TinyPolicy(), "--input", input, "--device"};
  std::vector<std::string> missing = words;
  missing.push_back("cuda:99");
  CommandResult result = Plumb(missing);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.errors, HasSubstr("cuda:99"));
  std::vector<std::string> wrong = words;
  wrong.push_back("tpu");
  result = Plumb(wrong);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("tpu"));
}

TEST(ModelOptionsTest, AnInstructionSetIsOneOfTheKnownOnes) {
  const TestFolder folder;
  const std::string input = WriteTemporary(folder, "in.jsonl", "{\"prompt_ids\":[3],\"completion_ids\":[4]}\n");
  std::vector<std::string> words = {"score", "--model", TinyPolicy(), "--input", input, "--isa", "avx2"};
  EXPECT_EQ(Plumb(words).exit_code, 0);
  words.back() = "sse9";
  const CommandResult result = Plumb(words);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("sse9"));
  EXPECT_THAT(result.errors, HasSubstr("avx512"));
}

}  // namespace
}  // namespace plumb::cli
