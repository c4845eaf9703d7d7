#include "rollout/stop_matcher.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace plumb {
namespace {

// Token i is the byte i; 0 is a special token.
class ByteTokenizer : public Tokenizer {
 public:
  absl::StatusOr<EncodedText> Encode(absl::string_view text, bool) const override {
    EncodedText encoded;
    for (const char c : text) encoded.ids.push_back(static_cast<unsigned char>(c));
    return encoded;
  }
  std::string Decode(absl::Span<const int64_t> ids, bool skip_special_tokens) const override {
    std::string text;
    for (const int64_t id : ids) text += id == 0 ? (skip_special_tokens ? "" : "<end>") : TokenBytes(id);
    return text;
  }
  std::string TokenBytes(int64_t id) const override {
    return id == 0 ? "<end>" : std::string(1, static_cast<char>(id));
  }
  bool IsSpecial(int64_t id) const override { return id == 0; }
  int64_t TokenId(absl::string_view) const override { return -1; }
  int64_t size() const override { return 256; }
};

std::optional<Stop> PushText(StopMatcher& matcher, absl::string_view text, size_t* pushed = nullptr) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (pushed != nullptr) *pushed = i + 1;
    if (std::optional<Stop> stop = matcher.Push(static_cast<unsigned char>(text[i]))) return stop;
  }
  return std::nullopt;
}

TEST(StopMatcherTest, EndsAtAnEndTokenAndLeavesItOutOfTheText) {
  const ByteTokenizer tokenizer;
  const StopRules rules = MakeStopRules({.max_new_tokens = 10}, /*end_ids=*/{0});
  StopMatcher matcher(rules, &tokenizer);
  EXPECT_FALSE(PushText(matcher, "ab").has_value());
  const std::optional<Stop> stop = matcher.Push(0);
  ASSERT_TRUE(stop.has_value());
  EXPECT_EQ(stop->reason, FinishReason::kStop);
  EXPECT_EQ(stop->stop, "<end>");
  EXPECT_EQ(stop->text, "ab");
}

TEST(StopMatcherTest, FindsAStopStringThatSeveralTokensMake) {
  const ByteTokenizer tokenizer;
  const StopRules rules = MakeStopRules({.max_new_tokens = 100, .stop_strings = {"</done>", "\n\n"}}, {0});
  StopMatcher matcher(rules, &tokenizer);
  size_t pushed = 0;
  const std::optional<Stop> stop = PushText(matcher, "x\ny</don</done>z", &pushed);
  ASSERT_TRUE(stop.has_value());
  EXPECT_EQ(stop->stop, "</done>");
  EXPECT_EQ(stop->text, "x\ny</don");
  EXPECT_EQ(pushed, 15u);
}

TEST(StopMatcherTest, EndsAfterTheLastTokenAllowed) {
  const ByteTokenizer tokenizer;
  const StopRules rules = MakeStopRules({.max_new_tokens = 3}, {0});
  StopMatcher matcher(rules, &tokenizer);
  const std::optional<Stop> stop = PushText(matcher, "abcd");
  ASSERT_TRUE(stop.has_value());
  EXPECT_EQ(stop->reason, FinishReason::kLength);
  EXPECT_EQ(stop->text, "abc");
}

TEST(StopMatcherTest, IgnoresEndTokensWhereAsked) {
  const StopRules rules = MakeStopRules({.max_new_tokens = 2, .stop_ids = {7}, .ignore_end_tokens = true}, {0});
  StopMatcher matcher(rules, nullptr);
  EXPECT_FALSE(matcher.Push(0).has_value());
  EXPECT_EQ(matcher.Push(7)->reason, FinishReason::kStop);
}

TEST(StopMatcherTest, KeepsWholeCharactersOnly) {
  const ByteTokenizer tokenizer;
  const StopRules rules = MakeStopRules({.max_new_tokens = 100}, {0});
  StopMatcher matcher(rules, &tokenizer);
  EXPECT_FALSE(PushText(matcher, "\xc3\xa9\xe2\x82").has_value());  // é, and two bytes of three
  EXPECT_EQ(matcher.Cancel().text, "\xc3\xa9\xef\xbf\xbd");
}

}  // namespace
}  // namespace plumb
