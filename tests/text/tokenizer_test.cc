#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"
#include "tests/text/tokenizer_goldens.h"

namespace plumb {
namespace {

using ::plumb::testing::ExpectGoldenDecodings;
using ::plumb::testing::ExpectGoldenEncodings;
using ::plumb::testing::ExpectGoldenLongTexts;
using ::plumb::testing::GoldenPath;
using ::plumb::testing::MustReadJson;
using ::plumb::testing::MustReadJsonLines;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TokenizerGoldenPath;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<Tokenizer> MustLoad(const std::string& folder) {
  auto tokenizer = Tokenizer::Load(GoldenPath("tokenizer/" + folder + "/tokenizer.json"));
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *std::move(tokenizer);
}

std::vector<std::pair<int64_t, int64_t>> Spans(const EncodedText& encoded) {
  std::vector<std::pair<int64_t, int64_t>> spans;
  for (const ByteSpan span : encoded.spans) spans.emplace_back(span.begin, span.end);
  return spans;
}

class TokenizerGoldenTest : public ::testing::TestWithParam<std::string> {
 protected:
  const std::unique_ptr<Tokenizer> tokenizer_ = MustLoad(GetParam());
};

TEST_P(TokenizerGoldenTest, EncodesAndDecodesAsTheReference) { ExpectGoldenEncodings(*tokenizer_, GetParam()); }

TEST_P(TokenizerGoldenTest, DecodesRandomIdsAsTheReference) { ExpectGoldenDecodings(*tokenizer_, GetParam()); }

TEST_P(TokenizerGoldenTest, EncodesLongTextsAsTheReference) { ExpectGoldenLongTexts(*tokenizer_, GetParam()); }

TEST_P(TokenizerGoldenTest, SpansGoUpAndHoldTheBytesOfTheirTokens) {
  for (const Json& row : MustReadJsonLines(TokenizerGoldenPath(GetParam(), "encode.jsonl"))) {
    const auto text = row["text"].get<std::string>();
    ASSERT_OK_AND_ASSIGN(const EncodedText encoded, tokenizer_->Encode(text, false));
    ASSERT_EQ(encoded.spans.size(), encoded.ids.size());
    int64_t previous_end = 0;
    for (size_t i = 0; i < encoded.ids.size(); ++i) {
      const auto [begin, end] = encoded.spans[i];
      ASSERT_GE(begin, previous_end) << text;
      const std::string bytes = text.substr(begin, end - begin);
      const bool is_added_letter = GetParam() == "small-v2" && (bytes == "ö" || bytes == "ü" || bytes == "ÿ");
      if (!is_added_letter) {
        ASSERT_EQ(bytes, tokenizer_->TokenBytes(encoded.ids[i])) << text;
      }
      previous_end = end;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Small, TokenizerGoldenTest, ::testing::Values("small-v3", "small-v2", "small-llama3"),
                         [](const auto& param) {
                           std::string name = param.param;
                           name.erase(name.find('-'), 1);
                           return name;
                         });

// A tokenizer of the 256 bytes (ids by code point of the letter), the merge a+b, and what `change` does to it.
std::string TinyFile(const std::function<void(Json&)>& change) {
  Json json = MustReadJson(GoldenPath("tokenizer/small-v3/tokenizer.json"));
  json["model"]["vocab"] = {{"a", 0}, {"b", 1}, {"ab", 2}, {"Ġ", 3}, {"é", 4}, {"Ã", 5}, {"©", 6}, {"Â", 7}};
  json["model"]["merges"] = {"a b"};
  json["added_tokens"] = Json::array();
  json["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  change(json);
  return json.dump();
}

Json Added(int id, const std::string& content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", false}};
}

TEST(TokenizerTest, AddedTokensTakeSpacesAlongAndRespectWords) {
  ASSERT_OK_AND_ASSIGN(const auto tokenizer, Tokenizer::Parse(TinyFile([](Json& json) {
                                                                Json strip = Added(8, "<x>");
                                                                strip["lstrip"] = strip["rstrip"] = true;
                                                                Json word = Added(9, "bb");
                                                                word["single_word"] = true;
                                                                json["added_tokens"] = {strip, word};
                                                              }),
                                                              "tiny"));
  ASSERT_OK_AND_ASSIGN(const EncodedText stripped, tokenizer->Encode("a  <x> b", false));
  EXPECT_THAT(stripped.ids, ElementsAre(0, 8, 1));
  EXPECT_EQ(Spans(stripped)[1], std::make_pair(int64_t{1}, int64_t{7}));
  ASSERT_OK_AND_ASSIGN(const EncodedText words, tokenizer->Encode("abb bb", false));
  EXPECT_THAT(words.ids, ElementsAre(2, 1, 3, 9));
}

TEST(TokenizerTest, TheLongestOfTheLeftmostAddedTokensWins) {
  ASSERT_OK_AND_ASSIGN(const auto tokenizer,
                       Tokenizer::Parse(TinyFile([](Json& json) {
                                          json["added_tokens"] = {Added(8, "<a"), Added(9, "<ab>"), Added(10, "ab>")};
                                        }),
                                        "tiny"));
  ASSERT_OK_AND_ASSIGN(const EncodedText encoded, tokenizer->Encode("<ab><aab>", false));
  EXPECT_THAT(encoded.ids, ElementsAre(9, 8, 10));
}

TEST(TokenizerTest, AddsASpaceInFrontWhereAsked) {
  ASSERT_OK_AND_ASSIGN(
      const auto tokenizer,
      Tokenizer::Parse(TinyFile([](Json& json) { json["pre_tokenizer"]["add_prefix_space"] = true; }), "tiny"));
  ASSERT_OK_AND_ASSIGN(const EncodedText encoded, tokenizer->Encode("ab", false));
  EXPECT_THAT(encoded.ids, ElementsAre(3, 2));
  EXPECT_THAT(Spans(encoded), ElementsAre(std::make_pair(0, 0), std::make_pair(0, 2)));
}

TEST(TokenizerTest, NormalizedTextKeepsSpansOfTheOriginal) {
  ASSERT_OK_AND_ASSIGN(const auto tokenizer, Tokenizer::Parse(TinyFile([](Json& json) {
                                                                json["normalizer"] = {{"type", "NFC"}};
                                                              }),
                                                              "tiny"));
  ASSERT_OK_AND_ASSIGN(const EncodedText encoded, tokenizer->Encode("ae\xCC\x81"
                                                                    "b",
                                                                    false));
  EXPECT_THAT(encoded.ids, ElementsAre(0, 5, 6, 1));
  EXPECT_THAT(Spans(encoded),
              ElementsAre(std::make_pair(0, 1), std::make_pair(1, 4), std::make_pair(1, 4), std::make_pair(4, 5)));
}

TEST(TokenizerTest, NormalizedAddedTokensAreFoundAndGivenBackNormalized) {
  ASSERT_OK_AND_ASSIGN(const auto tokenizer, Tokenizer::Parse(TinyFile([](Json& json) {
                                                                json["normalizer"] = {{"type", "NFKC"}};
                                                                Json wide = Added(8, "Ａ");
                                                                wide["normalized"] = true;
                                                                json["added_tokens"] = {wide, Added(9, "Ｂ")};
                                                              }),
                                                              "tiny"));
  ASSERT_OK_AND_ASSIGN(const EncodedText encoded, tokenizer->Encode("AaＡＢ", false));
  EXPECT_THAT(encoded.ids, ElementsAre(8, 0, 8, 9));
  EXPECT_EQ(tokenizer->Decode({8, 9}, false), "AＢ");
  EXPECT_EQ(tokenizer->TokenId("Ａ"), 8);
}

TEST(TokenizerTest, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  const auto tokenizer = MustLoad("small-v3");
  ASSERT_OK_AND_ASSIGN(const EncodedText bad, tokenizer->Encode("a\xFF"
                                                                "b",
                                                                false));
  ASSERT_OK_AND_ASSIGN(const EncodedText replaced, tokenizer->Encode("a\xEF\xBF\xBD"
                                                                     "b",
                                                                     false));
  EXPECT_EQ(bad.ids, replaced.ids);
  EXPECT_EQ(bad.spans.back().end, 3);
}

TEST(TokenizerTest, NamesWhatItDoesNotSupport) {
  const auto refuse = [](const std::function<void(Json&)>& change, const std::string& message) {
    EXPECT_THAT(Tokenizer::Parse(TinyFile(change), "tiny.json"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  refuse([](Json& json) { json["model"]["type"] = "Unigram"; }, "Unigram");
  refuse([](Json& json) { json["model"]["byte_fallback"] = true; }, "byte_fallback");
  refuse([](Json& json) { json["model"]["merges"] = {"a c"}; }, "merge 0 needs the token \"c\"");
  refuse([](Json& json) { json["model"]["vocab"]["b"] = 0; }, "id 0 belongs to");
  refuse([](Json& json) { json["normalizer"] = {{"type", "Prepend"}}; }, "Prepend");
  refuse([](Json& json) { json["pre_tokenizer"] = {{"type", "Metaspace"}}; }, "Metaspace");
  refuse([](Json& json) { json["post_processor"] = {{"type", "BertProcessing"}}; }, "BertProcessing");
  refuse([](Json& json) { json["decoder"] = {{"type", "WordPiece"}}; }, "WordPiece");
  refuse([](Json& json) { json["added_tokens"] = {Added(5, "<x>")}; }, "id of <x> is 5, expected 8");
  EXPECT_THAT(Tokenizer::Parse("{", "tiny.json"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tiny.json")));
  EXPECT_THAT(Tokenizer::Load("absent/tokenizer.json"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent")));
}

TEST(TokenizerTest, AnswersForIdsWithoutATokenToo) {
  const auto tokenizer = MustLoad("small-v2");
  EXPECT_EQ(tokenizer->size(), 702);
  EXPECT_TRUE(tokenizer->IsSpecial(700));
  EXPECT_FALSE(tokenizer->IsSpecial(702));
  EXPECT_EQ(tokenizer->TokenBytes(702), "");
  EXPECT_EQ(tokenizer->TokenBytes(-1), "");
  EXPECT_EQ(tokenizer->TokenId("<｜end▁of▁sentence｜>"), 701);
  EXPECT_EQ(tokenizer->TokenId("absent token"), -1);
  EXPECT_EQ(tokenizer->Decode({702, -5}, false), "");
}

// They are settings of the calls of those who made the file, which transformers takes back before each of its own.
TEST(TokenizerTest, SettingsOfTruncationAndPaddingAreNotObeyed) {
  ASSERT_OK_AND_ASSIGN(const auto tokenizer,
                       Tokenizer::Parse(TinyFile([](Json& json) {
                                          json["truncation"] = {{"direction", "Right"}, {"max_length", 2}};
                                          json["padding"] = {{"strategy", {{"Fixed", 8}}}, {"pad_id", 0}};
                                        }),
                                        "tiny"));
  ASSERT_OK_AND_ASSIGN(const EncodedText encoded, tokenizer->Encode("aaaaa", false));
  EXPECT_THAT(encoded.ids, ElementsAre(0, 0, 0, 0, 0));
}

}  // namespace
}  // namespace plumb
