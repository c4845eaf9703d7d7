#include "base/config_yaml.h"

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::Eq;
using ::testing::HasSubstr;
using testing::StatusIs;

TEST(ConfigYamlTest, RemembersPlacesAndQuotes) {
  ASSERT_OK_AND_ASSIGN(const YamlValue root, ParseYaml("a: 1\nb:\n  - 'x'\n  - ~\n", "f"));
  ASSERT_EQ(root.entries.size(), 2);
  EXPECT_EQ(root.entries[0].value.place, "f:1:4");
  EXPECT_FALSE(root.entries[0].value.quoted);
  const YamlValue& list = root.entries[1].value;
  ASSERT_EQ(list.items.size(), 2);
  EXPECT_EQ(list.items[0].place, "f:3:5");
  EXPECT_TRUE(list.items[0].quoted);
  EXPECT_EQ(list.items[1].kind, YamlValue::Kind::kNull);
}

TEST(ConfigYamlTest, AnEmptyTextHasNoValue) {
  ASSERT_OK_AND_ASSIGN(const YamlValue root, ParseYaml("# nothing\n", "f"));
  EXPECT_EQ(root.kind, YamlValue::Kind::kNull);
}

struct RefusedCase {
  std::string text;
  std::string message;
};

std::string Repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

class ConfigYamlFaultTest : public ::testing::TestWithParam<RefusedCase> {};

TEST_P(ConfigYamlFaultTest, IsRefusedWithItsPlace) {
  EXPECT_THAT(ParseYaml(GetParam().text, "f").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, ConfigYamlFaultTest,
    ::testing::Values(RefusedCase{"a: [1", "f:1:4: end of sequence"}, RefusedCase{"a: &x 1\nb: *x", "f:2:4: aliases"},
                      RefusedCase{"a: !!python/object 1", "f:1:4: tags are not supported"},
                      RefusedCase{"[a]: 1", "a key must be a word"}, RefusedCase{"a: 1\n---\nb: 2", "second document"},
                      RefusedCase{Repeated("- ", 40), "nested deeper than 32 levels"},
                      RefusedCase{std::string(kMaxYamlBytes + 1, ' '), "1048577 bytes, expected at most 1048576"},
                      RefusedCase{"a: 1\n\tb: 2", "f:2:"}));

}  // namespace
}  // namespace plumb
