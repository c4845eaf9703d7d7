#include "text/normalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;

TEST(NormalizerTest, NullAndTheEmptySequenceChangeNothing) {
  ASSERT_OK_AND_ASSIGN(const Normalizer none, Normalizer::FromJson(nullptr));
  EXPECT_TRUE(none.changes_nothing());
  ASSERT_OK_AND_ASSIGN(const Normalizer empty,
                       Normalizer::FromJson({{"type", "Sequence"}, {"normalizers", Json::array()}}));
  EXPECT_TRUE(empty.changes_nothing());
}

TEST(NormalizerTest, EachFormOfUnicode) {
  const auto apply = [](const char* form, const std::string& text) {
    return Normalizer::FromJson({{"type", form}})->Apply(text).text;
  };
  EXPECT_EQ(apply("NFC", "e\xCC\x81"), "\xC3\xA9");
  EXPECT_EQ(apply("NFD", "\xC3\xA9"), "e\xCC\x81");
  EXPECT_EQ(apply("NFKC", "ﬁ"), "fi");
  EXPECT_EQ(apply("NFKD", "ﬁ\xC3\xA9"), "fie\xCC\x81");
}

TEST(NormalizerTest, OriginsGoThroughASequence) {
  ASSERT_OK_AND_ASSIGN(
      const Normalizer normalizer,
      Normalizer::FromJson({{"type", "Sequence"}, {"normalizers", {{{"type", "NFD"}}, {{"type", "NFC"}}}}}));
  const AlignedText text = normalizer.Apply("a\xC3\xA9z");
  EXPECT_EQ(text.text, "a\xC3\xA9z");
  EXPECT_EQ(text.Origin({1, 3}).begin, 1);
  EXPECT_EQ(text.Origin({1, 3}).end, 3);
  EXPECT_EQ(text.Origin({3, 4}).end, 4);
}

TEST(NormalizerTest, NamesATypeThatIsNotSupported) {
  EXPECT_THAT(Normalizer::FromJson({{"type", "Lowercase"}}),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("Lowercase")));
}

}  // namespace
}  // namespace plumb
