#include <gmock/gmock.h>

#include "base/config.h"
#include "proto/config.pb.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

// docs/guide.md: the files that it has the reader write.
namespace plumb {
namespace {

using ::plumb::testing::MustRead;
using ::plumb::testing::SourcePath;

// What the guide puts into a file: the lines between "cat > NAME <<'END'" and "END".
std::string FileOfGuide(const std::string& name) {
  const std::string guide = MustRead(SourcePath("docs/guide.md"));
  const std::string start = "cat > " + name + " <<'END'\n";
  const size_t begin = guide.find(start);
  const size_t end = guide.find("\nEND\n", begin);
  if (begin == std::string::npos || end == std::string::npos) return "";
  return guide.substr(begin + start.size(), end + 1 - begin - start.size());
}

TEST(GuideTest, ItsConfigurationsFitTheSchema) {
  proto::SftConfig sft;
  EXPECT_OK(ParseConfig(FileOfGuide("runs/my_sft.yaml"), "my_sft.yaml", {}, sft).status());
  EXPECT_EQ(sft.data().prompt_template(), "{question}\n");
  proto::GrpoConfig grpo;
  EXPECT_OK(ParseConfig(FileOfGuide("runs/my_grpo.yaml"), "my_grpo.yaml", {}, grpo).status());
  EXPECT_EQ(grpo.model(), sft.output() + "/checkpoints/latest");
}

// The table "Coming from TRL" gives these.
TEST(GuideTest, TheDefaultsThatItNamesAreTheSchemas) {
  proto::GrpoConfig grpo;
  ASSERT_OK(ParseConfig("model: m\noutput: o\ndata: {file: f}\n", "x", {}, grpo).status());
  EXPECT_EQ(grpo.optimizer().learning_rate(), 1e-5);
  EXPECT_EQ(grpo.optimizer().schedule(), "constant");
  EXPECT_EQ(grpo.group_size(), 8);
  EXPECT_EQ(grpo.sampling().max_new_tokens(), 256);
  EXPECT_EQ(grpo.algorithm().kl_coef(), 0);
  EXPECT_EQ(grpo.algorithm().clip_low(), 0.2);
  EXPECT_EQ(grpo.algorithm().clip_high(), 0.28);
  EXPECT_EQ(grpo.algorithm().advantage_std(), "none");
  EXPECT_EQ(grpo.algorithm().normalizer(), "token_mean");
  EXPECT_EQ(grpo.algorithm().optimizer_steps(), 1);
  proto::SftConfig sft;
  ASSERT_OK(ParseConfig("model: m\noutput: o\ndata: {file: f}\n", "x", {}, sft).status());
  EXPECT_EQ(sft.max_sequence_length(), 2048);
}

}  // namespace
}  // namespace plumb
