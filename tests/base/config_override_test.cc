#include "base/config_override.h"

#include "proto/config.pb.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::Eq;
using testing::StatusIs;

absl::Status Apply(const std::string& text, YamlValue& root) {
  return ApplyOverride(text, *proto::GrpoConfig::descriptor(), root);
}

TEST(ConfigOverrideTest, ATextIsTakenAsItIs) {
  YamlValue root;
  ASSERT_OK(Apply("data.prompt_template={question}: #x", root));
  const YamlValue& value = root.entries[0].value.entries[0].value;
  EXPECT_EQ(value.kind, YamlValue::Kind::kScalar);
  EXPECT_EQ(value.text, "{question}: #x");
}

TEST(ConfigOverrideTest, AQuotedTextIsYaml) {
  YamlValue root;
  ASSERT_OK(Apply(R"(data.prompt_template="a\n")", root));
  EXPECT_EQ(root.entries[0].value.entries[0].value.text, "a\n");
}

TEST(ConfigOverrideTest, AnElementOfAListMayBeReplacedOrAdded) {
  ASSERT_OK_AND_ASSIGN(YamlValue root, ParseYaml("sampling: {stop_ids: [1, 2]}", "f"));
  ASSERT_OK(Apply("sampling.stop_ids.1=5", root));
  ASSERT_OK(Apply("sampling.stop_ids.2=6", root));
  const YamlValue& list = root.entries[0].value.entries[0].value;
  ASSERT_EQ(list.items.size(), 3);
  EXPECT_EQ(list.items[1].text, "5");
  EXPECT_EQ(list.items[2].source, "--set");
  EXPECT_THAT(
      Apply("sampling.stop_ids.9=6", root),
      StatusIs(absl::StatusCode::kInvalidArgument, Eq("--set sampling.stop_ids.9=6: 9: the list has 3 elements")));
}

TEST(ConfigOverrideTest, APathThroughAValueIsAnError) {
  ASSERT_OK_AND_ASSIGN(YamlValue root, ParseYaml("steps: 3", "f"));
  EXPECT_THAT(Apply("steps.x=6", root),
              StatusIs(absl::StatusCode::kInvalidArgument, Eq("--set steps.x=6: x: lies inside the value 3 of f:1:8")));
  EXPECT_THAT(Apply("a..b=6", root), StatusIs(absl::StatusCode::kInvalidArgument, Eq("--set a..b=6: an empty key")));
}

}  // namespace
}  // namespace plumb
