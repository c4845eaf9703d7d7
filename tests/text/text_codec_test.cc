#include "text/text_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_replace.h"
#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::GoldenPath;
using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::MustRead;
using ::plumb::testing::MustReadJson;
using ::plumb::testing::MustReadJsonLines;
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
}

// As a text does that a chat template rendered.
TEST(TextCodecTest, ATextThatBeginsWithABosGetsNoOther) {
  ASSERT_OK_AND_ASSIGN(const auto v2, TextCodec::Load(GoldenPath("tokenizer/small-v2")));
  EXPECT_THAT(v2->EncodeText("<｜begin▁of▁sentence｜>", true), IsOkAndHolds(ElementsAre(700)));
  EXPECT_EQ(v2->EncodeText("<｜begin▁of▁sentence｜>a", true).value(), v2->EncodeText("a", true).value());
  ASSERT_OK_AND_ASSIGN(const auto llama, TextCodec::Load(GoldenPath("tokenizer/small-llama3")));
  const std::string bos = llama->tokenizer().TokenBytes(601);
  EXPECT_EQ(llama->EncodeText(bos + "a", true).value(), llama->EncodeText("a", true).value());
  // What the text says twice stays, and so does a text that is all of its own.
  EXPECT_EQ(llama->EncodeText(bos + bos + "a", true)->size(), 3u);
  EXPECT_EQ(llama->EncodeText(bos + "a", false).value(), llama->EncodeText("a", true).value());
}

TEST(TextCodecTest, DoesNotDoubleTheBosOfThePostProcessor) {
  ASSERT_OK_AND_ASSIGN(const auto llama, TextCodec::Load(GoldenPath("tokenizer/small-llama3")));
  EXPECT_THAT(llama->EncodeText("", true), IsOkAndHolds(ElementsAre(601)));
}

// What a post-processor puts behind the text is not in it.
TEST(TextCodecTest, AnEmptyTextBetweenTwoTokensKeepsBoth) {
  TestFolder folder;
  WriteFolder(folder, Json::object(), Json::object());
  Json tokenizer = MustReadJson(folder.File("tokenizer.json"));
  const Json around = {{"SpecialToken", {{"id", "<｜end▁of▁sentence｜>"}, {"type_id", 0}}}};
  const Json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  tokenizer["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {around, text, around}},
      {"pair", Json::array()},
      {"special_tokens",
       {{"<｜end▁of▁sentence｜>",
         {{"id", "<｜end▁of▁sentence｜>"}, {"ids", {1}}, {"tokens", {"<｜end▁of▁sentence｜>"}}}}}}};
  ASSERT_OK(WriteFileAtomic(folder.File("tokenizer.json"), tokenizer.dump()));
  ASSERT_OK_AND_ASSIGN(const auto codec, TextCodec::Load(folder.path()));
  EXPECT_THAT(codec->EncodeText("", true), IsOkAndHolds(ElementsAre(1, 1)));
  EXPECT_THAT(codec->EncodeText("<｜end▁of▁sentence｜>", true), IsOkAndHolds(ElementsAre(1, 1)));
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
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no chat template")));
}

TEST(TextCodecFaultTest, LinksOutOfTheFolderAreNotFollowed) {
  for (const std::string name : {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "config.json"}) {
    const TestFolder outside;
    const TestFolder folder;
    WriteFolder(folder, Json::object(), Json::object());
    ASSERT_OK(WriteFileAtomic(outside.File("secret"), "{}"));
    std::filesystem::remove(folder.File(name));
    std::filesystem::create_symlink(outside.File("secret"), folder.File(name));
    EXPECT_THAT(TextCodec::Load(folder.path()),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(name + ": links to ")))
        << name;
  }
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

// The goldens' conversations: the template of generation-ds with a BOS in front.
Json SftTokenizerConfig() {
  const Json golden = MustReadJson(GoldenPath("chat/templates/generation-ds.jinja.json"));
  return {{"bos_token", "<｜begin▁of▁sentence｜>"},
          {"eos_token", "<｜end▁of▁sentence｜>"},
          {"chat_template", "{{ bos_token }}" + golden["chat_template"].get<std::string>()}};
}

void ExpectGoldenMasks(const TextCodec& codec) {
  for (const Json& row : MustReadJsonLines(GoldenPath("sft/assistant_only.jsonl"))) {
    ASSERT_OK_AND_ASSIGN(const EncodedChat chat, codec.EncodeChat(row["messages"], false));
    EXPECT_EQ(chat.text, row["text"].get<std::string>());
    EXPECT_EQ(chat.ids, row["input_ids"].get<std::vector<int64_t>>());
    std::vector<int64_t> labels;
    for (size_t i = 0; i < chat.ids.size(); ++i) labels.push_back(chat.train_mask[i] ? chat.ids[i] : -100);
    EXPECT_EQ(labels, row["labels"].get<std::vector<int64_t>>()) << chat.text;
  }
}

TEST(TextCodecGoldenTest, GenerationBlocksGiveTheReferencesMask) {
  TestFolder folder;
  WriteFolder(folder, SftTokenizerConfig(), Json::object());
  ASSERT_OK_AND_ASSIGN(const auto codec, TextCodec::Load(folder.path()));
  ExpectGoldenMasks(*codec);
}

TEST(TextCodecGoldenTest, PrefixesGiveTheSameMaskWithoutGenerationBlocks) {
  TestFolder folder;
  Json config = SftTokenizerConfig();
  config["chat_template"] = absl::StrReplaceAll(config["chat_template"].get<std::string>(),
                                                {{"{% generation %}", ""}, {"{% endgeneration %}", ""}});
  WriteFolder(folder, config, Json::object());
  ASSERT_OK_AND_ASSIGN(const auto codec, TextCodec::Load(folder.path()));
  ExpectGoldenMasks(*codec);
}

TEST(TextCodecTest, TrainsNothingBehindTheEndToken) {
  ASSERT_OK_AND_ASSIGN(const auto llama, TextCodec::Load(GoldenPath("tokenizer/small-llama3")));
  const Json messages = {{{"role", "user"}, {"content", "7"}}, {{"role", "assistant"}, {"content", "8"}}};
  ASSERT_OK_AND_ASSIGN(const EncodedChat chat, llama->EncodeChat(messages, false));
  EXPECT_EQ(chat.ids.front(), 601);
  EXPECT_EQ(chat.ids.back(), 605);
  const auto trained = std::count(chat.train_mask.begin(), chat.train_mask.end(), true);
  EXPECT_EQ(trained, 2);
  EXPECT_TRUE(chat.train_mask.back());
  ASSERT_OK_AND_ASSIGN(const EncodedChat prompt, llama->EncodeChat(Json::array({messages[0]}), true));
  EXPECT_THAT(prompt.train_mask, ::testing::Each(false));
  EXPECT_EQ(prompt.ids, std::vector<int64_t>(chat.ids.begin(), chat.ids.end() - 2));
}

TEST(TextCodecTest, TheJinjaFileGoesBeforeTheConfiguration) {
  TestFolder folder;
  WriteFolder(folder, {{"chat_template", {{{"name", "default"}, {"template", "list"}}}}}, Json::object());
  ASSERT_OK_AND_ASSIGN(const auto list, TextCodec::Load(folder.path()));
  EXPECT_EQ(list->EncodeChat(Json::array(), true)->text, "list");
  ASSERT_OK(WriteFileAtomic(folder.File("chat_template.jinja"), "file"));
  ASSERT_OK_AND_ASSIGN(const auto file, TextCodec::Load(folder.path()));
  EXPECT_EQ(file->EncodeChat(Json::array(), true)->text, "file");
  ASSERT_OK(WriteFileAtomic(folder.File("chat_template.jinja"), "{% if %}"));
  EXPECT_THAT(TextCodec::Load(folder.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("chat template: line 1")));
}

TEST(TextCodecFaultTest, WhatIsNoFileIsNotPassedOver) {
  for (const std::string name :
       {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json", "config.json"}) {
    for (const bool pipe : {true, false}) {
      const TestFolder folder;
      WriteFolder(folder, Json::object(), Json::object());
      std::filesystem::remove(folder.File(name));
      if (pipe) {
        ASSERT_EQ(::mkfifo(folder.File(name).c_str(), 0600), 0);
      } else {
        std::filesystem::create_symlink("gone", folder.File(name));
      }
      EXPECT_THAT(TextCodec::Load(folder.path()),
                  StatusIs(absl::StatusCode::kInvalidArgument,
                           HasSubstr(name + (pipe ? ": not a regular file" : ": links to gone, which does not exist"))))
          << name;
    }
  }
}

TEST(TextCodecFaultTest, FlagsOfAWrongTypeAndABosThatIsMissingAreNamed) {
  const auto load = [](const Json& tokenizer_config) {
    const TestFolder folder;
    WriteFolder(folder, tokenizer_config, Json::object());
    return TextCodec::Load(folder.path()).status();
  };
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(load({{"add_bos_token", "true"}}), StatusIs(invalid, HasSubstr("add_bos_token is \"true\"")));
  EXPECT_THAT(load({{"add_eos_token", 1}}), StatusIs(invalid, HasSubstr("add_eos_token is 1")));
  EXPECT_THAT(load({{"add_bos_token", true}}), StatusIs(invalid, HasSubstr("there is no bos_token")));
  EXPECT_OK(load({{"add_bos_token", nullptr}, {"add_eos_token", true}}));
  EXPECT_OK(load({{"add_bos_token", true}, {"bos_token", "<｜begin▁of▁sentence｜>"}}));
}

TEST(TextCodecFaultTest, EndIdsThatTheModelDoesNotHaveAreNamed) {
  const TestFolder folder;
  WriteFolder(folder, Json::object(), {{"eos_token_id", {1, 1024}}});
  EXPECT_OK(TextCodec::Load(folder.path()).status());
  ASSERT_OK(WriteFileAtomic(folder.File("config.json"), R"({"vocab_size": 1024})"));
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(TextCodec::Load(folder.path()),
              StatusIs(invalid,
                       HasSubstr("generation_config.json: eos_token_id is 1024, expected 0 ... 1023, the vocabulary")));
  WriteFolder(folder, Json::object(), {{"eos_token_id", -1}});
  EXPECT_THAT(TextCodec::Load(folder.path()), StatusIs(invalid, HasSubstr("eos_token_id is -1")));
}

TEST(TextCodecFaultTest, AFolderWithARankFileAloneIsToldWhatItLacks) {
  const TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("tiktoken.model"), "IQ== 0"));
  EXPECT_THAT(
      TextCodec::Load(folder.path()),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("tokenizer.json: no such file; the folder has tiktoken")));
}

TEST(TextCodecFaultTest, WhatADownloadLeftInPlaceOfAFileIsNamed) {
  for (const std::string name : {"tokenizer.json", "tokenizer_config.json"}) {
    const TestFolder folder;
    WriteFolder(folder, Json::object(), Json::object());
    ASSERT_OK(WriteFileAtomic(folder.File(name), "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"));
    EXPECT_THAT(TextCodec::Load(folder.path()),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(name + ": is a Git LFS pointer")));
    ASSERT_OK(WriteFileAtomic(folder.File(name), "<html></html>"));
    EXPECT_THAT(TextCodec::Load(folder.path()),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(name + ": is an HTML page, not JSON")));
  }
}

}  // namespace
}  // namespace plumb
