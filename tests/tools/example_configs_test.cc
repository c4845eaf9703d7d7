#include <gtest/gtest.h>

#include "base/config.h"
#include "base/file.h"
#include "proto/config.pb.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::SourcePath;

// A configuration's kind is the end of its file's name: sft.yaml, more_sft.yaml, spell_backward_grpo.yaml.
std::unique_ptr<google::protobuf::Message> MessageOf(const std::string& name) {
  const auto ends_with = [&](const std::string& end) {
    return name.size() >= end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
  };
  if (ends_with("sft.yaml")) return std::make_unique<proto::SftConfig>();
  if (ends_with("grpo.yaml")) return std::make_unique<proto::GrpoConfig>();
  if (ends_with("reward.yaml")) return std::make_unique<proto::RewardServiceConfig>();
  return nullptr;
}

TEST(ExampleConfigsTest, FitTheSchema) {
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> examples, ListFolder(SourcePath("examples")));
  int checked = 0;
  for (const std::string& example : examples) {
    const std::string folder = SourcePath("examples/" + example);
    if (!FolderExists(folder)) continue;
    ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListFolder(folder));
    for (const std::string& name : names) {
      const std::unique_ptr<google::protobuf::Message> config = MessageOf(name);
      if (config == nullptr) continue;
      EXPECT_OK(LoadConfig(JoinPath(folder, name), {}, *config).status()) << example;
      ++checked;
    }
  }
  // arithmetic has three, gsm8k two.
  EXPECT_GE(checked, 5);
}

}  // namespace
}  // namespace plumb
