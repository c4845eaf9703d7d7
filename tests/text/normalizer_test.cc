#include "text/normalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

TEST(NormalizerTest, NullAndTheEmptySequenceChangeNothing) {
  ASSERT_OK_AND_ASSIGN(const Normalizer none, Normalizer::FromJson(nullptr));
  EXPECT_TRUE(none.changes_nothing());
  ASSERT_OK_AND_ASSIGN(const Normalizer empty,
                       Normalizer::FromJson({{"type", "Sequence"}, {"normalizers", Json::array()}}));
  EXPECT_TRUE(empty.changes_nothing());
}

AlignedText Apply(const Json& json, const std::string& text) {
  PatternSearch search;
  return Normalizer::FromJson(json)->Apply(text, search).value();
}

TEST(NormalizerTest, EachFormOfUnicode) {
  const auto apply = [](const char* form, const std::string& text) { return Apply({{"type", form}}, text).text; };
  EXPECT_EQ(apply("NFC", "e\xCC\x81"), "\xC3\xA9");
  EXPECT_EQ(apply("NFD", "\xC3\xA9"), "e\xCC\x81");
  EXPECT_EQ(apply("NFKC", "ﬁ"), "fi");
  EXPECT_EQ(apply("NFKD", "ﬁ\xC3\xA9"), "fie\xCC\x81");
}

// What `tokenizers` 0.23.3 makes of characters that came after Unicode 9.0, whatever the library here knows of them.
TEST(NormalizerTest, FormsDoNotKnowCharactersAfterUnicode9) {
  const auto apply = [](const char* form, const std::string& text) { return Apply({{"type", form}}, text).text; };
  for (const char* form : {"NFC", "NFD", "NFKC", "NFKD"}) {
    for (const char* text : {"\U0001F16C\u32FF\U000107A1\U0001E032", "\U00011938", "\U00011935\U00011930",
                             "a\U0001E2AE\u0323", "a\u0345\U00011A99\u0334"}) {
      EXPECT_EQ(apply(form, text), text) << form;
    }
  }
  EXPECT_EQ(apply("NFD", "\u00E9\U00011A99\u00E9"), "e\u0301\U00011A99e\u0301");
  EXPECT_EQ(apply("NFKD", "ﬁ\U0001FBF1ﬁ"), "fi\U0001FBF1fi");
  EXPECT_EQ(apply("NFC", "e\U0001E2AE\u0301e\u0301"), "e\U0001E2AE\u0301\u00E9");
}

TEST(NormalizerTest, OriginsGoThroughASequence) {
  const AlignedText text =
      Apply({{"type", "Sequence"}, {"normalizers", {{{"type", "NFD"}}, {{"type", "NFC"}}}}}, "a\xC3\xA9z");
  EXPECT_EQ(text.text, "a\xC3\xA9z");
  EXPECT_EQ(text.Origin({1, 3}).begin, 1);
  EXPECT_EQ(text.Origin({1, 3}).end, 3);
  EXPECT_EQ(text.Origin({3, 4}).end, 4);
}

TEST(NormalizerTest, TheEndOfAGrownTextIsTheEndOfTheOriginal) {
  const Json grow = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "bbbb"}};
  const Json end = {{"type", "Replace"}, {"pattern", {{"Regex", "$"}}}, {"content", "!"}};
  const AlignedText text = Apply({{"type", "Sequence"}, {"normalizers", {grow, end}}}, "aa");
  EXPECT_EQ(text.text, "bbbbbbbb!");
  EXPECT_EQ(text.Origin({8, 9}).begin, 2);
  EXPECT_EQ(text.Origin({8, 9}).end, 2);
}

absl::Status StatusOfApply(const Json& json, const std::string& text) {
  PatternSearch search;
  return Normalizer::FromJson(json)->Apply(text, search).status();
}

TEST(NormalizerFaultTest, NoTextGrowsWithoutEnd) {
  const Json grow = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(1000, 'a')}};
  EXPECT_THAT(StatusOfApply({{"type", "Sequence"}, {"normalizers", {grow, grow, grow, grow}}}, "a"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("makes 1001000 bytes out of 1")));
  EXPECT_THAT(StatusOfApply({{"type", "Prepend"}, {"prepend", std::string(10000, 'a')}}, "a"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("makes 10001 bytes")));
}

// Sorting them takes quadratic time.
TEST(NormalizerFaultTest, RunsOfCombiningMarksEnd) {
  std::string marks = "a";
  for (int i = 0; i < 1'000'000; ++i) marks += i % 2 == 0 ? "\u0301" : "\u0323";
  EXPECT_THAT(StatusOfApply({{"type", "NFC"}}, marks),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 1000 combining marks")));
}

TEST(NormalizerTest, FormsReachOverTheEndsOfPlainRuns) {
  // The mark combines with the last letter of the run of ASCII before it.
  const AlignedText text = Apply({{"type", "NFC"}}, "abe\u0301c");
  EXPECT_EQ(text.text, "abéc");
  EXPECT_EQ(text.Origin({2, 4}).begin, 2);
  EXPECT_EQ(text.Origin({2, 4}).end, 5);
  EXPECT_EQ(text.Origin({4, 5}).begin, 5);
  EXPECT_EQ(Apply({{"type", "NFC"}}, "\uAC00\u11A8").text, "\uAC01");
  EXPECT_EQ(Apply({{"type", "NFC"}}, "中文 Привет ü").text, "中文 Привет ü");
}

TEST(NormalizerTest, PrependReplaceAndStrip) {
  EXPECT_EQ(Apply({{"type", "Prepend"}, {"prepend", "▁"}}, "ab").text, "▁ab");
  EXPECT_EQ(Apply({{"type", "Prepend"}, {"prepend", "▁"}}, "").text, "");
  const Json replace = {{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", "$0"}};
  const AlignedText replaced = Apply(replace, "a   b c");
  EXPECT_EQ(replaced.text, "a$0b c");
  EXPECT_EQ(replaced.Origin({1, 3}).begin, 1);
  EXPECT_EQ(replaced.Origin({1, 3}).end, 4);
  EXPECT_EQ(Apply({{"type", "Replace"}, {"pattern", {{"String", "a."}}}, {"content", ""}}, "aba.").text, "ab");
  const auto strip = [](bool left, bool right) {
    return Apply({{"type", "Strip"}, {"strip_left", left}, {"strip_right", right}}, " \u3000a b\n").text;
  };
  EXPECT_EQ(strip(true, true), "a b");
  EXPECT_EQ(strip(true, false), "a b\n");
  EXPECT_EQ(strip(false, true), " \u3000a b");
  EXPECT_EQ(Apply({{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}}, " \n").text, "");
}

TEST(NormalizerTest, NamesATypeThatIsNotSupported) {
  EXPECT_THAT(Normalizer::FromJson({{"type", "Lowercase"}}),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("Lowercase")));
}

}  // namespace
}  // namespace plumb
