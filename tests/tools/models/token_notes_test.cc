#include "tools/models/token_notes.h"

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb::cli {
namespace {

using plumb::testing::GoldenPath;
using plumb::testing::IsOkAndHolds;
using plumb::testing::MustRead;
using plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A folder with the small V3 tokenizer (BOS 0, EOS 1), and the notes on it.
class TokenNotesTest : public ::testing::Test {
 protected:
  TokenNotesTest() { config_.source = Json::object(); }

  absl::StatusOr<std::vector<std::string>> NotesOn(const Json& generation, const Json& more_of_tokenizer_config) {
    Json tokenizer_config = {{"bos_token", "<｜begin▁of▁sentence｜>"}, {"eos_token", "<｜end▁of▁sentence｜>"}};
    tokenizer_config.update(more_of_tokenizer_config);
    Write("tokenizer.json", MustRead(GoldenPath("tokenizer/small-v3/tokenizer.json")));
    Write("tokenizer_config.json", tokenizer_config.dump());
    Write("generation_config.json", generation.dump());
    Write("config.json", Json{{"eos_token_id", config_.eos_ids}}.dump());
    return TokenNotes(folder_.path(), config_, **TextCodec::Load(folder_.path()));
  }
  void Write(const std::string& name, const std::string& text) { ASSERT_OK(WriteFileAtomic(folder_.File(name), text)); }

  TestFolder folder_;
  ModelConfig config_;
};

TEST_F(TokenNotesTest, FilesThatAgreeAreNotNoted) {
  config_.source["bos_token_id"] = 0;
  config_.eos_ids = {1};
  EXPECT_THAT(NotesOn({{"bos_token_id", 0}, {"eos_token_id", {1, 5}}}, {{"add_eos_token", nullptr}}),
              IsOkAndHolds(IsEmpty()));
  config_.source.erase("bos_token_id");
  config_.eos_ids = {};
  EXPECT_THAT(NotesOn(Json::object(), Json::object()), IsOkAndHolds(IsEmpty()));
}

TEST_F(TokenNotesTest, AnotherBosIsNoted) {
  config_.source["bos_token_id"] = 7;
  config_.eos_ids = {1};
  EXPECT_THAT(NotesOn({{"bos_token_id", 8}}, Json::object()),
              IsOkAndHolds(ElementsAre(HasSubstr("config.json says bos_token_id 7, but the tokenizer's bos_token is 0"),
                                       HasSubstr("generation_config.json says bos_token_id 8"))));
}

TEST_F(TokenNotesTest, AnEosThatEndsNothingIsNoted) {
  config_.eos_ids = {2};
  EXPECT_THAT(NotesOn({{"eos_token_id", 1}}, Json::object()),
              IsOkAndHolds(ElementsAre(HasSubstr("config.json says eos_token_id 2, but what ends a completion is 1"))));
}

TEST_F(TokenNotesTest, AnEosOfTheTokenizerAloneIsNoted) {
  config_.eos_ids = {2};
  EXPECT_THAT(NotesOn(Json::object(), Json::object()),
              IsOkAndHolds(ElementsAre(HasSubstr("the tokenizer's eos_token is 1, which ends a completion here"))));
}

TEST_F(TokenNotesTest, AnEndBehindEveryTextIsNotedAsNotObeyed) {
  EXPECT_THAT(NotesOn(Json::object(), {{"add_eos_token", true}}),
              IsOkAndHolds(ElementsAre(HasSubstr("add_eos_token, which is not obeyed"))));
}

}  // namespace
}  // namespace plumb::cli
