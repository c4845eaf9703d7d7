#include "base/config.h"

#include <google/protobuf/util/message_differencer.h>

#include "base/file.h"
#include "proto/config.pb.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::testing::Eq;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

constexpr char kSmall[] = R"(model: policy
output: runs/x
data:
  file: rows.jsonl
)";

TEST(ConfigTest, TakesValuesFromTheTextAndTheRestFromDefaults) {
  proto::SftConfig config;
  ASSERT_OK_AND_ASSIGN(const ConfigSources sources, ParseConfig(kSmall, "sft.yaml", {}, config));
  EXPECT_EQ(config.model(), "policy");
  EXPECT_EQ(config.data().file(), "rows.jsonl");
  EXPECT_EQ(config.data().prompt_template(), "{question}");
  EXPECT_EQ(config.optimizer().learning_rate(), 1e-5);
  EXPECT_FALSE(config.has_eval_data());
  EXPECT_EQ(sources.at("data.file"), "sft.yaml:4:9");
  EXPECT_EQ(sources.at("optimizer.learning_rate"), "default");
}

TEST(ConfigTest, EverySchemaHasDefaultsThatItAccepts) {
  proto::GrpoConfig grpo;
  EXPECT_OK(ParseConfig(kSmall, "grpo.yaml", {}, grpo));
  proto::RewardServiceConfig reward;
  EXPECT_OK(ParseConfig("verifiers: [{name: math}]", "reward.yaml", {}, reward));
  EXPECT_EQ(reward.verifiers(0).answer_field(), "answer");
}

TEST(ConfigTest, ReportsAllProblemsAtOnceWithTheirPlaces) {
  proto::SftConfig config;
  const absl::Status status = ParseConfig(R"(model: policy
output: runs/x
stepz: 4
batch_size: many
optimizer:
  learning_rat: 0.1
  schedule: cosin
model: again
)",
                                          "sft.yaml", {"steps=0", "compute.threads"}, config)
                                  .status();
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kInvalidArgument,
                       Eq("--set compute.threads: expected key=value, such as optimizer.learning_rate=1e-4\n"
                          "sft.yaml:3:1: stepz: unknown key; did you mean steps?\n"
                          "sft.yaml:4:13: batch_size: expected a whole number, found many\n"
                          "sft.yaml:6:3: optimizer.learning_rat: unknown key; did you mean learning_rate?\n"
                          "sft.yaml:7:13: optimizer.schedule: \"cosin\" is not one of constant, linear, cosine; "
                          "did you mean cosine?\n"
                          "sft.yaml:8:1: model: given twice, first at sft.yaml:1:1\n"
                          "--set steps=0: steps: 0 is less than 1\n"
                          "sft.yaml:1:1: data.file: required, but not given (JSONL file of rows: messages, "
                          "prompt/completion, or question/answer.)")));
}

TEST(ConfigTest, OverridesWinOverTheText) {
  proto::GrpoConfig config;
  ASSERT_OK_AND_ASSIGN(const ConfigSources sources,
                       ParseConfig(kSmall, "grpo.yaml",
                                   {"model=other", "optimizer.learning_rate=1e-3", "sampling.stop_strings=[a, b]",
                                    "rollout.workers.0.address=unix:/a", "rollout.workers.0.control_address=unix:/b",
                                    "data.prompt_template={question} =\n"},
                                   config));
  EXPECT_EQ(config.model(), "other");
  EXPECT_EQ(config.optimizer().learning_rate(), 1e-3);
  EXPECT_EQ(config.sampling().stop_strings(1), "b");
  EXPECT_EQ(config.rollout().workers(0).control_address(), "unix:/b");
  EXPECT_EQ(config.data().prompt_template(), "{question} =\n");
  EXPECT_EQ(sources.at("model"), "--set");
}

TEST(ConfigTest, ALoadedFileIsNamedInItsErrors) {
  const testing::TestFolder folder;
  proto::SftConfig config;
  EXPECT_THAT(LoadConfig(folder.File("none.yaml"), {}, config).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.yaml")));
  ASSERT_OK(WriteFileAtomic(folder.File("bad.yaml"), "model: [1"));
  EXPECT_THAT(LoadConfig(folder.File("bad.yaml"), {}, config).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("bad.yaml:1:8: ")));
}

TEST(ConfigPropertyTest, AFormattedConfigReadsBackToTheSameMessage) {
  proto::GrpoConfig config;
  ASSERT_OK_AND_ASSIGN(const ConfigSources sources, ParseConfig(R"(model: "null"
output: 'with: "quotes" # and \ more'
data: {file: 12, prompt_template: "a\n\tb\x01 ü "}
sampling: {temperature: 0.1, stop_strings: ["", "- x"], stop_ids: [3, -4]}
rollout: {workers: [{address: a:1, control_address: b:2}, {address: c:1, control_address: d:2}]}
reward: {verifiers: [{name: math, tolerance: 1e-7}]}
)",
                                                                "grpo.yaml", {}, config));
  const std::string text = FormatConfig(config, sources);
  proto::GrpoConfig again;
  ASSERT_THAT(ParseConfig(text, "again.yaml", {}, again).status(), IsOk()) << text;
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(config, again)) << text;
  EXPECT_THAT(text, HasSubstr("  temperature: 0.1  # grpo.yaml:4:25\n"));
  EXPECT_THAT(text, HasSubstr("  - address: \"a:1\"  # grpo.yaml:5:31\n"));
  EXPECT_THAT(text, HasSubstr("steps: 100  # default\n"));
}

}  // namespace
}  // namespace plumb
