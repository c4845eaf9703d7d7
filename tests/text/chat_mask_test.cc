#include "text/chat_mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;
using Mask = std::vector<bool>;

TEST(MaskOfSpansTest, ATokenCountsWhenAllOfItIsInside) {
  const EncodedText encoded{{1, 2, 3, 4, 5}, {{0, 2}, {2, 4}, {4, 6}, {6, 7}, {7, 9}}};
  EXPECT_EQ(MaskOfSpans(encoded, {{2, 5}, {6, 9}}), (Mask{false, true, false, true, true}));
  EXPECT_EQ(MaskOfSpans(encoded, {}), (Mask{false, false, false, false, false}));
}

TEST(TrimBehindEndTest, TakesOutWhatFollowsTheLastEndToken) {
  const EncodedText encoded{{7, 9, 8, 7, 8}, {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}}};
  Mask mask(5, true);
  TrimBehindEnd(encoded, {{0, 3}, {3, 5}}, /*end_ids=*/{9}, &mask);
  EXPECT_EQ(mask, (Mask{true, true, false, true, true}));
}

TEST(CheckEndsTest, RefusesAnEndThatStandsBehindItsSpan) {
  const EncodedText encoded{{7, 9, 8, 9}, {{0, 1}, {1, 2}, {2, 3}, {3, 4}}};
  EXPECT_OK(CheckEnds(encoded, {{0, 2}, {2, 4}}, {9}));
  EXPECT_OK(CheckEnds(encoded, {{0, 1}}, {5}));
  EXPECT_OK(CheckEnds(encoded, {{1, 3}}, {9}));
  EXPECT_THAT(CheckEnds(encoded, {{0, 2}, {2, 3}}, {9}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at byte 2 has its end token only when")));
}

// "U:text|" and "A:text.", generation prompt "A:".
absl::StatusOr<std::string> RenderPlain(const Json& messages, bool add_generation_prompt) {
  std::string text;
  for (const Json& message : messages) {
    const bool is_user = message["role"] == "user";
    text += (is_user ? "U:" : "A:") + message["content"].get<std::string>() + (is_user ? "|" : ".");
  }
  return add_generation_prompt ? text + "A:" : text;
}

Json Chat() {
  return {{{"role", "user"}, {"content", "q"}},
          {{"role", "assistant"}, {"content", "xy"}},
          {{"role", "user"}, {"content", "r"}},
          {{"role", "assistant"}, {"content", "z"}}};
}

TEST(AssistantSpansByPrefixesTest, FindsTheTextsBehindTheGenerationPrompt) {
  ASSERT_OK_AND_ASSIGN(const auto spans, AssistantSpansByPrefixes(Chat(), *RenderPlain(Chat(), false), RenderPlain));
  ASSERT_EQ(spans.size(), 2);  // U:q|A:xy.U:r|A:z.
  EXPECT_EQ(spans[0].begin, 6);
  EXPECT_EQ(spans[0].end, 9);
  EXPECT_EQ(spans[1].begin, 15);
  EXPECT_EQ(spans[1].end, 17);
}

TEST(AssistantSpansByPrefixesTest, RefusesTemplatesThatTellNothing) {
  const auto other_prompt = [](const Json& messages, bool prompt) -> absl::StatusOr<std::string> {
    return *RenderPlain(messages, prompt) + (prompt ? "<think>" : "");
  };
  EXPECT_THAT(AssistantSpansByPrefixes(Chat(), *RenderPlain(Chat(), false), other_prompt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("messages[1]")));
  EXPECT_THAT(AssistantSpansByPrefixes(Chat(), "U:q|A:y.U:r|A:z.", RenderPlain),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("more messages follow")));
}

}  // namespace
}  // namespace plumb
