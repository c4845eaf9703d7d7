#include "grpo/grpo_trainer.h"

#include <gmock/gmock.h>

#include "base/config.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "policy/policy_folder.h"
#include "policy/presets.h"
#include "tests/reward/scripted_plugin.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"
#include "train/run_start.h"

namespace plumb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

// What the loop asked of rollout.
struct Asked {
  std::vector<std::string> train_rows;  // "row/visit"
  std::vector<uint64_t> published;      // weight steps
  std::vector<std::string> incarnations;
};

// Answers every prompt with the tokens 3 and 4.
class FakeGenerator final : public Generator {
 public:
  explicit FakeGenerator(Asked* asked) : asked_(asked) {}

  absl::StatusOr<std::vector<RolloutGroup>> Generate(absl::Span<const GroupRequest> requests, const SamplingOptions&,
                                                     absl::Time) override {
    std::vector<RolloutGroup> groups;
    for (const GroupRequest& request : requests) {
      if (request.domain == SeedDomain::kTrain) {
        asked_->train_rows.push_back(absl::StrCat(request.row_id, "/", request.visit));
      }
      RolloutGroup group;
      group.completions.resize(request.group_size);
      for (Completion& completion : group.completions) {
        completion.ids = {3, 4};
        completion.sampling_logprobs = {-2.7f, -2.7f};
      }
      groups.push_back(group);
    }
    return groups;
  }

  absl::Status PublishWeights(const PolicyWeights& weights, const std::string& incarnation, uint64_t step) override {
    EXPECT_FALSE(weights.embed.requires_grad());
    asked_->published.push_back(step);
    asked_->incarnations.push_back(incarnation);
    return absl::OkStatus();
  }

  std::string Describe() const override { return "a fake"; }

 private:
  Asked* const asked_;
};

class GrpoTrainerTest : public ::testing::Test {
 protected:
  using Script = testing::ScriptedPlugin::Script;

  void SetUp() override {
    SetTensorThreads(1);
    prompts_ = {{1, 2}, {3}, {4, 5}};
  }

  // Runs with as many rows as prompts_ and a plug-in that follows the script.
  absl::Status Run(const std::vector<std::string>& overrides, const Script& script, bool resume = false) {
    testing::ScriptedPlugin plugin(script);
    proto::GrpoConfig config;
    const auto sources = ParseConfig(
        "model: none\noutput: run\nsteps: 2\nprompts_per_step: 2\ngroup_size: 2\ndata: {file: f}\n"
        "sampling: {max_new_tokens: 4}\nreward: {max_attempts: 1}\n",
        "test", overrides, config);
    if (!sources.ok()) return sources.status();
    GrpoParts parts;
    ASSIGN_OR_RETURN(RunStart start,
                     FindStart(kGrpoStage, folder_.File("run"), "none", resume ? Resume::kOnSameMachine : Resume::kNo));
    ASSIGN_OR_RETURN(parts.metrics, BeginRecords(config, {}, start));
    parts.run = std::move(start.run);
    parts.resume = std::move(start.state);
    ASSIGN_OR_RETURN(parts.reward, RewardClient::Connect({plugin.Config("p")}, config.reward()));
    parts.generator = std::make_unique<FakeGenerator>(&asked_);
    Json json = PresetConfig("tiny-demo", 16, -1, -1).value();
    json["num_hidden_layers"] = 1;
    parts.weights = RandomWeights(ParseModelConfig(json).value(), at::kFloat, at::kCPU, 5);
    if (config.algorithm().kl_coef() > 0) {
      parts.reference = RandomWeights(parts.weights.config, at::kFloat, at::kCPU, reference_seed_);
    }
    for (size_t row = 0; row < prompts_.size(); ++row) {
      parts.rows.push_back({.id = absl::StrCat(row), .prompt_ids = prompts_[row], .row_json = "{}"});
    }
    ASSIGN_OR_RETURN(const auto trainer, GrpoTrainer::Create(config, std::move(parts)));
    return trainer->Run();
  }

  static grpc::Status Answer(int, grpc::ServerContext&, const proto::ScoreRequest&, proto::ScoreResponse&) {
    return grpc::Status::OK;
  }

  testing::TestFolder folder_;
  std::vector<std::vector<int64_t>> prompts_;
  uint64_t reference_seed_ = 5;
  Asked asked_;
};

TEST_F(GrpoTrainerTest, AsksForEachRowOncePerEpochAndRaisesTheVisit) {
  ASSERT_OK(Run({"steps=3"}, &Answer));
  std::vector<std::string> rows = asked_.train_rows;
  std::sort(rows.begin(), rows.end());
  EXPECT_THAT(rows, ElementsAre("0/0", "0/1", "1/0", "1/1", "2/0", "2/1"));
}

TEST_F(GrpoTrainerTest, PublishesBeforeTheFirstRolloutAndAfterEveryStep) {
  ASSERT_OK(Run({}, &Answer));
  EXPECT_THAT(asked_.published, ElementsAre(0, 1, 2));
  EXPECT_EQ(asked_.incarnations.front(), asked_.incarnations.back());
}

TEST_F(GrpoTrainerTest, StopsWhenTooManyRewardsFail) {
  const Script failing = [](int, grpc::ServerContext&, const proto::ScoreRequest&, proto::ScoreResponse& response) {
    for (proto::RewardResult& result : *response.mutable_results()) {
      result.set_outcome(proto::REWARD_OUTCOME_FAILED);
      result.set_message("the sandbox is down");
    }
    return grpc::Status::OK;
  };
  EXPECT_THAT(Run({}, failing), StatusIs(absl::StatusCode::kUnavailable,
                                         ::testing::AllOf(HasSubstr("step 1: 100 %"), HasSubstr("max_failed_share"),
                                                          HasSubstr("the sandbox is down"))));
}

TEST_F(GrpoTrainerTest, StopsWhenNothingIsScored) {
  const Script abstaining = [](int, grpc::ServerContext&, const proto::ScoreRequest&, proto::ScoreResponse& response) {
    for (auto& result : *response.mutable_results()) result.set_outcome(proto::REWARD_OUTCOME_ABSTAINED);
    return grpc::Status::OK;
  };
  EXPECT_THAT(Run({}, abstaining), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("0 invalid, 4 abstained")));
}

// Scores until the call, then the plug-in is gone.
testing::ScriptedPlugin::Script GoneFromCall(int first_bad_call) {
  return [first_bad_call](int call, grpc::ServerContext&, const proto::ScoreRequest&, proto::ScoreResponse&) {
    return call < first_bad_call ? grpc::Status::OK : grpc::Status(grpc::UNAVAILABLE, "gone");
  };
}

TEST_F(GrpoTrainerTest, AFailureLosesNoStepThatWasDone) {
  EXPECT_THAT(Run({"steps=5"}, GoneFromCall(3)),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("the state after step 2 is saved")));
  EXPECT_TRUE(FileExists(folder_.File("run/checkpoints/step-2/model.safetensors")));
  const std::vector<std::string> before = asked_.train_rows;
  ASSERT_OK(Run({"steps=5"}, &Answer, /*resume=*/true));
  // The prompts of the step that failed are asked for again, with the same visits.
  const auto failed_step = std::vector<std::string>(before.end() - 2, before.end());
  EXPECT_THAT(std::vector<std::string>(asked_.train_rows.begin() + before.size(),
                                       asked_.train_rows.begin() + before.size() + 2),
              ::testing::ElementsAreArray(failed_step));
  const std::vector<Json> metrics = testing::MustReadJsonLines(folder_.File("run/metrics.jsonl"));
  ASSERT_EQ(metrics.size(), 5u);
  for (size_t i = 0; i < metrics.size(); ++i) EXPECT_EQ(metrics[i]["step"], i + 1);
}

TEST_F(GrpoTrainerTest, RefusesToGoOnWithOtherRows) {
  ASSERT_OK(Run({"steps=1"}, &Answer));
  std::swap(prompts_[0], prompts_[1]);
  EXPECT_THAT(Run({"steps=2"}, &Answer, /*resume=*/true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("its data rows are others")));
}

TEST_F(GrpoTrainerTest, RefusesToGoOnWithAnotherReference) {
  ASSERT_OK(Run({"steps=1", "algorithm.kl_coef=0.1"}, &Answer));
  reference_seed_ = 6;
  EXPECT_THAT(Run({"steps=2", "algorithm.kl_coef=0.1"}, &Answer, /*resume=*/true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("another policy than the one")));
}

TEST_F(GrpoTrainerTest, GoesOnWithoutTheGroupThatFailed) {
  const Script one_fails = [](int call, grpc::ServerContext&, const proto::ScoreRequest&,
                              proto::ScoreResponse& response) {
    if (call == 1) response.mutable_results(0)->set_outcome(proto::REWARD_OUTCOME_FAILED);
    return grpc::Status::OK;
  };
  ASSERT_OK(Run({}, one_fails));
  const std::vector<Json> metrics = testing::MustReadJsonLines(folder_.File("run/metrics.jsonl"));
  EXPECT_EQ(metrics[0]["groups/dropped"], 1.0);
  EXPECT_EQ(metrics[0]["reward/mean"], 1.0) << "the failure is never a zero";
  EXPECT_EQ(metrics[1]["groups/dropped"], 0.0);
}

TEST_F(GrpoTrainerTest, SavesCheckpointsAsConfigured) {
  ASSERT_OK(Run({"steps=3", "checkpoint.every_steps=2"}, &Answer));
  EXPECT_TRUE(FileExists(folder_.File("run/checkpoints/step-2/model.safetensors")));
  EXPECT_TRUE(FileExists(folder_.File("run/checkpoints/step-3/trainer_state.json")));
  EXPECT_FALSE(FolderExists(folder_.File("run/checkpoints/step-1")));
}

TEST_F(GrpoTrainerTest, NamesARowThatIsTooLong) {
  prompts_.push_back(std::vector<int64_t>(1022, 1));
  EXPECT_THAT(Run({}, &Answer),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("row '3' has 1022 prompt tokens")));
}

TEST_F(GrpoTrainerTest, WantsEnoughRows) {
  EXPECT_THAT(Run({"prompts_per_step=4"}, &Answer),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has 3 rows, expected at least")));
}

}  // namespace
}  // namespace plumb
