#include "text/tokenizer_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json Llama() { return testing::MustReadJson(testing::GoldenPath("tokenizer/small-llama3/tokenizer.json")); }

TEST(ReadTokenizerFileTest, TemplatesNestAroundTheText) {
  Json json = Llama();
  Json outer = json["post_processor"]["processors"][1];
  outer["single"] = {
      {{"SpecialToken", {{"id", "x"}}}}, {{"Sequence", {{"id", "A"}}}}, {{"SpecialToken", {{"id", "x"}}}}};
  outer["special_tokens"] = {{"x", {{"ids", {605, 604}}}}};
  json["post_processor"]["processors"].push_back(outer);
  ASSERT_OK_AND_ASSIGN(const TokenizerFile file, ReadTokenizerFile(json));
  EXPECT_THAT(file.ids_before, ElementsAre(605, 604, 601));
  EXPECT_THAT(file.ids_after, ElementsAre(605, 604));
  EXPECT_EQ(file.added_tokens.size(), 5);
}

TEST(ReadTokenizerFileTest, IdsOfAddedTokensGoOnBehindTheVocabularyInTheOrderOfTheFile) {
  Json json = Llama();
  std::swap(json["added_tokens"][0], json["added_tokens"][1]);
  EXPECT_THAT(ReadTokenizerFile(json),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is 602, expected 601, the next one")));
  json = Llama();
  json["added_tokens"][4]["id"] = 700;
  EXPECT_THAT(ReadTokenizerFile(json), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("would renumber it")));
}

TEST(ReadTokenizerFileTest, FuseBehindByteLevelChangesNothing) {
  Json json = Llama();
  json["decoder"] = {{"type", "Sequence"}, {"decoders", {json["decoder"], {{"type", "Fuse"}}}}};
  EXPECT_OK(ReadTokenizerFile(json));
}

TEST(ReadTokenizerFileTest, NamesContradictions) {
  const auto refuse = [](const std::function<void(Json&)>& change, const std::string& message) {
    Json json = Llama();
    change(json);
    EXPECT_THAT(ReadTokenizerFile(json), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  refuse([](Json& json) { json["added_tokens"][0]["id"] = 5; }, "id of <|begin_of_text|> is 5, expected 601");
  refuse([](Json& json) { json["added_tokens"][0].erase("special"); }, "special");
  refuse([](Json& json) { json["added_tokens"][0]["id"] = int64_t{1} << 40; }, "expected 0 to");
  refuse([](Json& json) { json["post_processor"]["processors"][1]["special_tokens"] = Json::object(); },
         "<|begin_of_text|> is not among special_tokens");
  refuse([](Json& json) { json["decoder"] = nullptr; }, "decoder: null");
  refuse([](Json& json) { json.erase("model"); }, "model: not an object");
  refuse([](Json& json) { json["version"] = "2.0"; }, "version is \"2.0\"");
  refuse([](Json& json) { json["added_tokens"][1]["content"] = "<|begin_of_text|>"; }, "given twice");
  refuse([](Json& json) { json["added_tokens"][1]["content"] = ""; }, "is empty");
  refuse([](Json& json) { json["added_tokens"][1]["content"] = std::string(4097, 'a'); }, "4097 bytes, at most 4096");
  refuse([](Json& json) { json["model"]["vocab"]["!"] = 5; }, "model: id 5 belongs to");
  refuse([](Json& json) { json["model"]["vocab"]["!"] = -1; }, "expected an integer from 0");
  refuse([](Json& json) { json["model"]["merges"][0] = "no where"; }, "merge 0 needs the token");
  refuse(
      [](Json& json) { json["post_processor"]["processors"][1]["special_tokens"]["<|begin_of_text|>"]["ids"] = {700}; },
      "id 700 is not a token");
  refuse(
      [](Json& json) {
        json["decoder"] = {{"type", "Sequence"}, {"decoders", {json["decoder"], {{"type", "Strip"}}}}};
      },
      "Strip behind ByteLevel");
  refuse([](Json& json) { json["pre_tokenizer"]["pretokenizers"][0].erase("invert"); }, "invert is missing");
}

}  // namespace
}  // namespace plumb
