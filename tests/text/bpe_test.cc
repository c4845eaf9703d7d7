#include "text/bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::ElementsAre;
using Ids = std::vector<int64_t>;

Json Model() {
  return {{"type", "BPE"},
          {"vocab", {{"a", 0}, {"b", 1}, {"c", 2}, {"ab", 3}, {"bc", 4}, {"abc", 5}, {"aa", 6}}},
          {"merges", {"b c", "a b", "a bc", "a a"}}};
}

Ids Encode(const Json& json, const std::string& piece) {
  const auto model = BpeModel::FromJson(json);
  EXPECT_TRUE(model.ok()) << model.status();
  BpeModel::Scratch scratch;
  std::vector<BpeToken> tokens;
  model->Encode(piece, scratch, &tokens);
  model->Encode(piece, scratch, &tokens);  // from memory
  Ids ids;
  for (const BpeToken& token : tokens) ids.push_back(token.id);
  EXPECT_EQ(Ids(ids.begin(), ids.begin() + ids.size() / 2), Ids(ids.begin() + ids.size() / 2, ids.end()));
  ids.resize(ids.size() / 2);
  return ids;
}

TEST(BpeModelTest, MergesTheLowestRankFirstThenTheLeftmost) {
  EXPECT_THAT(Encode(Model(), "abc"), ElementsAre(5));  // bc, then a bc
  EXPECT_THAT(Encode(Model(), "abab"), ElementsAre(3, 3));
  EXPECT_THAT(Encode(Model(), "aaa"), ElementsAre(6, 0));  // leftmost
}

TEST(BpeModelTest, LeavesOutBytesWithoutAToken) { EXPECT_THAT(Encode(Model(), "azb"), ElementsAre(3)); }

TEST(BpeModelTest, BytesWithoutATokenBecomeTheUnknownToken) {
  Json model = Model();
  model["unk_token"] = "c";
  EXPECT_THAT(Encode(model, "azzb"), ElementsAre(0, 2, 2, 1));
  model["fuse_unk"] = true;
  EXPECT_THAT(Encode(model, "azzbz"), ElementsAre(0, 2, 4));  // merges take it as any other token
  EXPECT_THAT(Encode(model, "zbc"), ElementsAre(2, 4));
  model["unk_token"] = "absent";
  EXPECT_THAT(BpeModel::FromJson(model),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("unk_token \"absent\"")));
}

TEST(BpeModelTest, IgnoreMergesTakesAWholePieceFromTheVocabulary) {
  Json model = Model();
  model["merges"] = Json::array();
  EXPECT_THAT(Encode(model, "abc"), ElementsAre(0, 1, 2));
  model["ignore_merges"] = true;
  EXPECT_THAT(Encode(model, "abc"), ElementsAre(5));
}

TEST(BpeModelTest, ReadsBothSpellingsOfMerges) {
  Json model = Model();
  model["merges"] = Json::parse(R"([["b", "c"], ["a", "b"], ["a", "bc"], ["a", "a"]])");
  EXPECT_THAT(Encode(model, "abcaa"), ElementsAre(5, 6));
  model["merges"] = {"#version: 0.2", "b c", "a bc"};
  EXPECT_THAT(Encode(model, "abc"), ElementsAre(5));
}

TEST(BpeModelTest, NamesADamagedMerge) {
  Json model = Model();
  model["merges"] = {"abc"};
  EXPECT_THAT(BpeModel::FromJson(model),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("merge 0 is \"abc\"")));
  model = Model();
  model["vocab"]["a"] = -1;
  EXPECT_THAT(BpeModel::FromJson(model),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("token \"a\" is -1")));
}

}  // namespace
}  // namespace plumb
