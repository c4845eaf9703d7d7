#include "text/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json ByteLevel(bool use_regex = false, bool add_prefix_space = false) {
  return {{"type", "ByteLevel"}, {"use_regex", use_regex}, {"add_prefix_space", add_prefix_space}};
}

Json Split(const std::string& pattern, const std::string& behavior, bool invert = false) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", behavior}, {"invert", invert}};
}

// The pieces of a text after the stages; a space that is not in the text is written as "_".
std::vector<std::string> Pieces(const Json& stages, const std::string& text) {
  const auto pre_tokenizer = PreTokenizer::FromJson({{"type", "Sequence"}, {"pretokenizers", stages}});
  EXPECT_TRUE(pre_tokenizer.ok()) << pre_tokenizer.status();
  PatternSearch search;
  std::vector<std::string> pieces;
  const std::vector<Piece> found = pre_tokenizer->Split(text, search).value();
  for (const Piece& piece : found) {
    pieces.push_back((piece.space_before ? "_" : "") +
                     text.substr(piece.span.begin, piece.span.end - piece.span.begin));
  }
  return pieces;
}

TEST(PreTokenizerTest, SplitsByEachBehavior) {
  const auto split = [](const char* behavior) { return Pieces({Split("-", behavior), ByteLevel()}, "a-b--c"); };
  EXPECT_THAT(split("Isolated"), ElementsAre("a", "-", "b", "-", "-", "c"));
  EXPECT_THAT(split("Removed"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split("MergedWithPrevious"), ElementsAre("a-", "b-", "-", "c"));
  EXPECT_THAT(split("MergedWithNext"), ElementsAre("a", "-b", "-", "-c"));
  EXPECT_THAT(split("Contiguous"), ElementsAre("a", "-", "b", "--", "c"));
}

TEST(PreTokenizerTest, InvertTakesTheGapsForMatches) {
  EXPECT_THAT(Pieces({Split("[a-z]+", "Removed", true), ByteLevel()}, "ab, cd!"), ElementsAre("ab", "cd"));
}

TEST(PreTokenizerTest, EachStageSeesAPieceAlone) {
  EXPECT_THAT(Pieces({Split("[0-9]", "Isolated"), Split("\\s+(?!\\S)", "Isolated"), ByteLevel()}, "a  1"),
              ElementsAre("a", "  ", "1"));
}

TEST(PreTokenizerTest, DigitsStandAloneOrTogether) {
  const auto digits = [](bool alone) {
    return Pieces({{{"type", "Digits"}, {"individual_digits", alone}}, ByteLevel()}, "a12²b");
  };
  EXPECT_THAT(digits(true), ElementsAre("a", "1", "2", "²", "b"));
  EXPECT_THAT(digits(false), ElementsAre("a", "12²", "b"));
}

TEST(PreTokenizerTest, ByteLevelHasGpt2sPattern) {
  EXPECT_THAT(Pieces(Json::array({ByteLevel(true)}), "I'm  here 42!"),
              ElementsAre("I", "'m", " ", " here", " 42", "!"));
  EXPECT_THAT(Pieces(Json::array({ByteLevel(true, true)}), "hi you"), ElementsAre("_hi", " you"));
}

TEST(PreTokenizerTest, NamesWhatItDoesNotSupport) {
  const auto refuse = [](const Json& stages, const std::string& message) {
    EXPECT_THAT(PreTokenizer::FromJson({{"type", "Sequence"}, {"pretokenizers", stages}}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  refuse({ByteLevel(), Split("a", "Isolated")}, "Split behind ByteLevel");
  refuse(Json::array({Split("a", "Isolated")}), "no ByteLevel stage");
  refuse({Split("a", "Sideways"), ByteLevel()}, "Sideways");
  refuse({Split("(", "Isolated"), ByteLevel()}, "pattern (");
}

}  // namespace
}  // namespace plumb
