#include "text/text_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::GoldenPath;
using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::MustRead;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A policy folder with the small V3 tokenizer and what is given.
void WriteFolder(const TestFolder& folder, const Json& tokenizer_config, const Json& generation_config) {
  ASSERT_OK(WriteFileAtomic(folder.File("tokenizer.json"), MustRead(GoldenPath("tokenizer/small-v3/tokenizer.json"))));
  ASSERT_OK(WriteFileAtomic(folder.File("tokenizer_config.json"), tokenizer_config.dump()));
  ASSERT_OK(WriteFileAtomic(folder.File("generation_config.json"), generation_config.dump()));
}

TEST(TextCodecTest, AddsTheBosThatTheConfigurationAsksFor) {
  ASSERT_OK_AND_ASSIGN(const auto v2, TextCodec::Load(GoldenPath("tokenizer/small-v2")));
  EXPECT_EQ(v2->bos_id(), 700);
  EXPECT_EQ(v2->eos_id(), 701);
  EXPECT_THAT(v2->end_ids(), ElementsAre(701));
  EXPECT_EQ(v2->EncodeText("a", true)->size(), 2);
  EXPECT_EQ(v2->EncodeText("a", true)->front(), 700);
  EXPECT_EQ(v2->EncodeText("a", false)->size(), 1);
  EXPECT_THAT(v2->EncodeText("", true), IsOkAndHolds(ElementsAre(700)));
  // Text that spells the BOS does not replace it.
  EXPECT_THAT(v2->EncodeText("<｜begin▁of▁sentence｜>", true), IsOkAndHolds(ElementsAre(700, 700)));
}

TEST(TextCodecTest, DoesNotDoubleTheBosOfThePostProcessor) {
  ASSERT_OK_AND_ASSIGN(const auto llama, TextCodec::Load(GoldenPath("tokenizer/small-llama3")));
  EXPECT_THAT(llama->EncodeText("", true), IsOkAndHolds(ElementsAre(601)));
}

TEST(TextCodecTest, EndIdsAreThoseOfAllFiles) {
  TestFolder folder;
  WriteFolder(folder, {{"eos_token", "<｜end▁of▁sentence｜>"}}, {{"eos_token_id", {1005, 2}}});
  ASSERT_OK_AND_ASSIGN(const auto codec, TextCodec::Load(folder.path()));
  EXPECT_THAT(codec->end_ids(), ElementsAre(1, 2, 1005));
  EXPECT_EQ(codec->eos_id(), 1);
  EXPECT_EQ(codec->bos_id(), -1);
}

TEST(TextCodecTest, WithoutAnEosTokenTheFirstEndIdStandsIn) {
  TestFolder folder;
  WriteFolder(folder, Json::object(), {{"eos_token_id", 2}});
  ASSERT_OK_AND_ASSIGN(const auto codec, TextCodec::Load(folder.path()));
  EXPECT_EQ(codec->eos_id(), 2);
  EXPECT_FALSE(codec->has_chat_template());
  EXPECT_THAT(codec->EncodeChat(Json::array(), false),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no chat template")));
}

TEST(TextCodecTest, NamesWhatIsWrongInAFolder) {
  TestFolder folder;
  EXPECT_THAT(TextCodec::Load(folder.path()), StatusIs(absl::StatusCode::kNotFound, HasSubstr("tokenizer.json")));
  WriteFolder(folder, {{"eos_token", "<none>"}}, Json::object());
  EXPECT_THAT(TextCodec::Load(folder.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("eos_token <none>")));
  WriteFolder(folder, {{"bos_token", 3}}, Json::object());
  EXPECT_THAT(TextCodec::Load(folder.path()), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("bos_token")));
}

}  // namespace
}  // namespace plumb
