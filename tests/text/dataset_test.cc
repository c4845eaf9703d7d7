#include "text/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"
#include "text/packing.h"

namespace plumb {
namespace {

using ::plumb::testing::GoldenPath;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Ids = std::vector<int64_t>;
using Mask = std::vector<bool>;

// The small Llama-3 tokenizer: BOS 601 by the post-processor, EOS 605.
class DatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto codec = TextCodec::Load(GoldenPath("tokenizer/small-llama3"));
    ASSERT_TRUE(codec.ok()) << codec.status();
    codec_ = *std::move(codec);
    config_.set_file(folder_.File("rows.jsonl"));
    config_.set_use_chat_template(false);
  }
  void WriteRows(const std::string& rows) { ASSERT_OK(WriteFileAtomic(folder_.File("rows.jsonl"), rows)); }
  Ids Encode(const std::string& text) { return codec_->EncodeText(text, false).value(); }

  TestFolder folder_;
  std::unique_ptr<TextCodec> codec_;
  proto::DataConfig config_;
};

TEST_F(DatasetTest, TrainsTheCompletionAndTheEndToken) {
  WriteRows("{\"question\": \"7\", \"answer\": \"8\"}\n\n{\"question\": \"7\", \"answer\": \"\"}\n");
  ASSERT_OK_AND_ASSIGN(const auto rows, LoadSftRows(config_, *codec_, 100));
  ASSERT_EQ(rows.size(), 2);
  EXPECT_THAT(rows[0].ids, ElementsAre(601, Encode("7")[0], Encode("8")[0], 605));
  EXPECT_EQ(rows[0].train_mask, (Mask{false, false, true, true}));
  EXPECT_EQ(rows[1].train_mask, (Mask{false, false, true}));
  EXPECT_EQ(rows[1].id, "1");
}

TEST_F(DatasetTest, CutsLongRowsAndDropsThoseThatTrainNothing) {
  WriteRows("{\"prompt\": \"7\", \"completion\": \"8\"}\n{\"prompt\": \"777 777\", \"completion\": \"8\"}\n");
  ::testing::internal::CaptureStderr();
  ASSERT_OK_AND_ASSIGN(const auto rows, LoadSftRows(config_, *codec_, 3));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), AllOf(HasSubstr("2 rows are longer than max_sequence_length 3"),
                                                              HasSubstr("rows.jsonl:1 with 4 tokens")));
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows[0].id, "0");
  EXPECT_EQ(rows[0].ids.size(), 3);
  EXPECT_THAT(LoadSftRows(config_, *codec_, 2),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("none of 2 rows")));
}

TEST_F(DatasetTest, FillsTemplatesWithTheRowsValues) {
  config_.set_prompt_template("{{Q}} {question}/{level} {}\n");
  WriteRows("{\"id\": 5, \"question\": \"x\", \"level\": 3, \"extra\": [1]}");
  ASSERT_OK_AND_ASSIGN(const auto rows, LoadPromptRows(config_, *codec_));
  EXPECT_EQ(rows[0].prompt, "{Q} x/3 {}\n");
  EXPECT_EQ(rows[0].id, "5");
  EXPECT_TRUE(rows[0].messages.is_null());
  EXPECT_EQ(rows[0].row_json, "{\"id\": 5, \"question\": \"x\", \"level\": 3, \"extra\": [1]}");
  EXPECT_EQ(rows[0].prompt_ids, codec_->EncodeText("{Q} x/3 {}\n", true).value());
}

TEST_F(DatasetTest, ReadsNoMoreThanMaxRows) {
  config_.set_max_rows(1);
  WriteRows("{\"question\": \"x\"}\nnot json\n");
  ASSERT_OK_AND_ASSIGN(const auto rows, LoadPromptRows(config_, *codec_));
  EXPECT_EQ(rows.size(), 1);
}

TEST_F(DatasetTest, NamesFileAndLineOfABadRow) {
  const auto refuse = [&](const std::string& rows, const std::string& place, const std::string& message) {
    WriteRows(rows);
    EXPECT_THAT(LoadSftRows(config_, *codec_, 10),
                StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr(place), HasSubstr(message))));
  };
  const std::string good = "{\"question\": \"x\", \"answer\": \"y\"}\n";
  refuse(good + "{\"question\": ", "rows.jsonl:2", "");
  refuse(good + "[1]", "rows.jsonl:2", "not an object");
  refuse(good + "\n{\"question\": \"x\"}", "rows.jsonl:3", "answer");
  refuse("{\"id\": \"1\", \"question\": \"x\", \"answer\": \"y\"}\n" + good, "rows.jsonl:2", "the id 1");
  refuse("{\"id\": [], \"question\": \"x\", \"answer\": \"y\"}\n", "rows.jsonl:1", "id is []");
  refuse("{\"text\": \"x\"}", "rows.jsonl", "none of the keys messages, prompt, question");
  refuse("\n \n", "rows.jsonl", "no rows");
  refuse("{\"messages\": []}", "rows.jsonl", "use_chat_template is false");
  config_.set_file(folder_.File("absent.jsonl"));
  EXPECT_THAT(LoadPromptRows(config_, *codec_), StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent.jsonl")));
}

TEST_F(DatasetTest, RendersChatsAndPromptsOfChats) {
  config_.set_use_chat_template(true);
  WriteRows("{\"question\": \"7\", \"answer\": \"8\"}");
  ASSERT_OK_AND_ASSIGN(const auto rows, LoadSftRows(config_, *codec_, 100));
  EXPECT_EQ(std::count(rows[0].train_mask.begin(), rows[0].train_mask.end(), true), 2);
  ASSERT_OK_AND_ASSIGN(const auto prompts, LoadPromptRows(config_, *codec_));
  EXPECT_EQ(prompts[0].messages, Json::parse("[{\"role\": \"user\", \"content\": \"7\"}]"));
  EXPECT_EQ(prompts[0].prompt_ids, Ids(rows[0].ids.begin(), rows[0].ids.end() - 2));
  WriteRows(
      "{\"messages\": [{\"role\": \"user\", \"content\": \"7\"}, {\"role\": \"assistant\", \"content\": \"8\"}]}");
  ASSERT_OK_AND_ASSIGN(const auto chats, LoadPromptRows(config_, *codec_));
  EXPECT_EQ(chats[0].prompt_ids, prompts[0].prompt_ids);
  EXPECT_EQ(chats[0].messages, prompts[0].messages);
}

// Cutting, dropping and packing of the conversations in tests/golden/sft.
TEST_F(DatasetTest, ATemplateBesideAChatTemplateIsRefused) {
  auto chat = TextCodec::Load(GoldenPath("tokenizer/small-v3"));
  ASSERT_TRUE(chat.ok()) << chat.status();
  ASSERT_TRUE((*chat)->has_chat_template());
  WriteRows("{\"question\": \"7\", \"answer\": \"8\"}\n");
  config_.set_use_chat_template(true);
  ASSERT_OK(LoadPromptRows(config_, **chat));
  config_.set_prompt_template("Q: {question}");
  EXPECT_THAT(LoadPromptRows(config_, **chat),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("use_chat_template: false")));
}

TEST_F(DatasetTest, NamesWhatIsWrongWithAMessage) {
  auto chat = TextCodec::Load(GoldenPath("tokenizer/small-v3"));
  ASSERT_TRUE(chat.ok()) << chat.status();
  config_.set_use_chat_template(true);
  const std::vector<std::pair<std::string, std::string>> rows = {
      {R"({"messages": [{"role": "user"}]})", "rows.jsonl:1: messages[0].content is missing"},
      {R"({"messages": [{"role": "user", "content": [{"type": "text"}]}]})", "messages[0].content is array"},
      {R"({"messages": [{"content": "7"}]})", "messages[0].role is missing"},
      {R"({"messages": ["7"]})", "messages[0] is not an object"},
      {R"({"prompt": [{"role": "user", "content": "7"}], "completion": "8"})", "goes under the key messages"}};
  for (const auto& [row, message] : rows) {
    WriteRows(row + "\n");
    EXPECT_THAT(LoadPromptRows(config_, **chat), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  }
}

TEST(DatasetGoldenTest, CutsDropsAndPacksAsTheReference) {
  TestFolder folder;
  const Json chat = testing::MustReadJson(GoldenPath("chat/templates/generation-ds.jinja.json"));
  const Json config = {{"bos_token", "<｜begin▁of▁sentence｜>"},
                       {"eos_token", "<｜end▁of▁sentence｜>"},
                       {"chat_template", "{{ bos_token }}" + chat["chat_template"].get<std::string>()}};
  ASSERT_OK(WriteFileAtomic(folder.File("tokenizer.json"),
                            testing::MustRead(GoldenPath("tokenizer/small-v3/tokenizer.json"))));
  ASSERT_OK(WriteFileAtomic(folder.File("tokenizer_config.json"), config.dump()));
  ASSERT_OK_AND_ASSIGN(const auto codec, TextCodec::Load(folder.path()));
  proto::DataConfig data;
  data.set_file(GoldenPath("sft/assistant_only.jsonl"));
  const Json packing = testing::MustReadJson(GoldenPath("sft/packing.json"));
  for (const Json& golden : packing["conversations"]) {
    const auto limit = golden["limit"].get<int64_t>();
    ASSERT_OK_AND_ASSIGN(const auto rows, LoadSftRows(data, *codec, limit));
    std::vector<int64_t> lengths;
    for (const SftRow& row : rows) lengths.push_back(static_cast<int64_t>(row.ids.size()));
    const auto bins = PackBestFit(lengths, limit);
    ASSERT_EQ(bins.size(), golden["bins"].size());
    for (size_t b = 0; b < bins.size(); ++b) {
      const Json& expected = golden["bins"][b];
      Ids documents, ids, labels;
      for (const int64_t index : bins[b]) {
        const SftRow& row = rows[index];
        documents.push_back(std::stoll(row.id));
        for (size_t i = 0; i < row.ids.size(); ++i) labels.push_back(row.train_mask[i] ? row.ids[i] : -100);
        ids.insert(ids.end(), row.ids.begin(), row.ids.end());
      }
      EXPECT_EQ(documents, expected["documents"].get<Ids>());
      EXPECT_EQ(ids, expected["input_ids"].get<Ids>());
      EXPECT_EQ(labels, expected["labels"].get<Ids>());
    }
  }
}

// Rows that somebody rendered with a chat template, which prints the BOS.
TEST_F(DatasetTest, TextThatBeginsWithTheBosGetsNoOther) {
  const std::string bos = codec_->tokenizer().TokenBytes(601);
  const auto rows_of = [&](const std::string& prompt) {
    WriteRows(DumpJson(Json{{"prompt", prompt}, {"completion", "8"}}) + "\n");
  };
  rows_of("7");
  ASSERT_OK_AND_ASSIGN(const auto plain_sft, LoadSftRows(config_, *codec_, 100));
  ASSERT_OK_AND_ASSIGN(const auto plain_prompts, LoadPromptRows(config_, *codec_));
  rows_of(bos + "7");
  ASSERT_OK_AND_ASSIGN(const auto sft, LoadSftRows(config_, *codec_, 100));
  ASSERT_OK_AND_ASSIGN(const auto prompts, LoadPromptRows(config_, *codec_));
  EXPECT_EQ(sft[0].ids, plain_sft[0].ids);
  EXPECT_EQ(sft[0].train_mask, plain_sft[0].train_mask);
  EXPECT_EQ(prompts[0].prompt_ids, plain_prompts[0].prompt_ids);
}

}  // namespace
}  // namespace plumb
