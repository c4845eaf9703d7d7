// The GRPO loop over an engine in this process or workers over gRPC, with rewards over gRPC: what it learns and how it
// resumes.
#include <gmock/gmock.h>

#include "rollout/worker.h"
#include "tests/integration/tiny_run.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using testing::TinyRun;

double MeanReward(const std::vector<Json>& metrics, size_t first, size_t last) {
  double sum = 0;
  for (size_t i = first; i < last; ++i) sum += metrics[i]["reward/mean"].get<double>();
  return sum / static_cast<double>(last - first);
}

TEST(GrpoLoopIntegrationTest, TheRewardRises) {
  TinyRun run;
  ASSERT_OK(run.RunLocally(run.Config({"steps=30", "eval.every_steps=0"}), /*resume=*/false));
  const std::vector<Json> metrics = run.Metrics();
  ASSERT_EQ(metrics.size(), 31u);  // step 0 is the evaluation before
  EXPECT_LT(MeanReward(metrics, 1, 4), 0.3) << "16 tokens, so about 1/16 by chance";
  EXPECT_GT(MeanReward(metrics, 28, 31), 0.8);
  EXPECT_LT(metrics[0]["eval/accuracy"].get<double>(), 1.0);
  EXPECT_EQ(metrics[30]["eval/accuracy"].get<double>(), 1.0);
  for (size_t step = 1; step < metrics.size(); ++step) {
    EXPECT_EQ(metrics[step]["logprob_diff/max"].get<double>(), 0.0) << "step " << step;
    EXPECT_NEAR(metrics[step]["ratio/max"].get<double>(), 1, 1e-4);
  }
}

// Recomputed log-probabilities are those of the rollout, over every part of a batch, and the run is the same run.
TEST(GrpoLoopIntegrationTest, RecomputedLogprobsAreThoseOfTheRolloutToTheBit) {
  const std::vector<std::string> changes = {"steps=4", "eval.every_steps=0", "algorithm.optimizer_steps=2",
                                            "micro_batch_tokens=64"};
  TinyRun plain;
  ASSERT_OK(plain.RunLocally(plain.Config(changes), /*resume=*/false));
  std::vector<std::string> recomputing = changes;
  recomputing.push_back("algorithm.recompute_logprobs=true");
  TinyRun run;
  ASSERT_OK(run.RunLocally(run.Config(recomputing), /*resume=*/false));
  const std::vector<Json> metrics = run.Metrics();
  ASSERT_EQ(metrics.size(), 5u);
  for (size_t step = 1; step < metrics.size(); ++step) {
    EXPECT_EQ(metrics[step]["logprob_diff/max"].get<double>(), 0.0) << "step " << step;
    for (const char* key : {"loss", "grad_norm", "ratio/max", "reward/mean"}) {
      EXPECT_EQ(metrics[step][key], plain.Metrics()[step][key]) << key << " of step " << step;
    }
  }
}

TEST(GrpoLoopIntegrationTest, SeveralOptimizerStepsAndAReferenceLearnToo) {
  TinyRun run;
  ASSERT_OK(run.RunLocally(run.Config({"steps=15", "algorithm.optimizer_steps=4", "algorithm.kl_coef=0.01",
                                       "algorithm.normalizer=sequence_mean", "micro_batch_tokens=64"}),
                           /*resume=*/false));
  const std::vector<Json> metrics = run.Metrics();
  EXPECT_GT(MeanReward(metrics, 13, 16), 0.5);
  EXPECT_GT(metrics[15]["kl"].get<double>(), 0.1);
  EXPECT_EQ(metrics[15]["logprob_diff/max"].get<double>(), 0.0) << "measured where the weights are the same";
  double largest_ratio = 0;
  for (size_t step = 1; step < metrics.size(); ++step) {
    largest_ratio = std::max(largest_ratio, metrics[step]["ratio/max"].get<double>());
  }
  EXPECT_GT(largest_ratio, 1.05) << "later optimizer steps of a batch meet weights that have moved";
}

TEST(GrpoLoopIntegrationTest, AResumedRunGoesOnAsIfNothingHappened) {
  TinyRun whole, halves;
  ASSERT_OK(whole.RunLocally(whole.Config({"steps=6"}), /*resume=*/false));
  ASSERT_OK(halves.RunLocally(halves.Config({"steps=4", "checkpoint.every_steps=3"}), /*resume=*/false));
  ASSERT_OK(halves.RunLocally(halves.Config({"steps=6"}), /*resume=*/true));
  const std::vector<Json> expected = whole.Metrics();
  const std::vector<Json> metrics = halves.Metrics();
  ASSERT_EQ(metrics.size(), expected.size());
  for (size_t i = 1; i < metrics.size(); ++i) {
    EXPECT_EQ(metrics[i]["step"], expected[i]["step"]);
    for (const char* key : {"loss", "grad_norm", "entropy", "reward/mean", "completion_length/mean"}) {
      EXPECT_EQ(metrics[i][key], expected[i][key]) << key << " of step " << i;
    }
  }
  for (const char* file : {"model.safetensors", "trainer_state.safetensors"}) {
    const std::string path = std::string("/checkpoints/latest/") + file;
    EXPECT_EQ(testing::MustRead(halves.run() + path), testing::MustRead(whole.run() + path)) << file;
  }
}

TEST(GrpoLoopIntegrationTest, ResumeRefusesOtherData) {
  TinyRun run;
  ASSERT_OK(run.RunLocally(run.Config({"steps=1"}), /*resume=*/false));
  EXPECT_THAT(run.RunLocally(run.Config({"steps=2", "seed=9"}), /*resume=*/true),
              testing::StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("its seed is 1, not 9")));
}

std::unique_ptr<RolloutWorker> StartWorker() {
  proto::GrpoConfig config;
  WorkerOptions options;
  options.address = "127.0.0.1:0";
  options.control_address = "127.0.0.1:0";
  options.engine.set_max_running_sequences(32);
  options.engine.set_max_step_tokens(256);
  options.engine.set_cache_pages(0);
  options.engine.set_max_waiting_sequences(1024);
  auto worker = RolloutWorker::Start(TinyRun::NewWeights(), nullptr, options);
  EXPECT_TRUE(worker.ok()) << worker.status();
  return worker.ok() ? *std::move(worker) : nullptr;
}

std::vector<proto::WorkerAddress> Addresses(const std::vector<std::unique_ptr<RolloutWorker>>& workers) {
  std::vector<proto::WorkerAddress> addresses;
  for (const auto& worker : workers) {
    proto::WorkerAddress address;
    address.set_address(worker->address());
    address.set_control_address(worker->control_address());
    addresses.push_back(address);
  }
  return addresses;
}

TEST(GrpoLoopIntegrationTest, TwoWorkersOverGrpcGiveTheCurveOfOneEngine) {
  TinyRun local, remote;
  ASSERT_OK(local.RunLocally(local.Config({"steps=5"}), /*resume=*/false));
  std::vector<std::unique_ptr<RolloutWorker>> workers;
  workers.push_back(StartWorker());
  workers.push_back(StartWorker());
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Generator> pool, ConnectWorkers(Addresses(workers), absl::Seconds(10)));
  ASSERT_OK(remote.RunWith(std::move(pool), remote.Config({"steps=5"}), /*resume=*/false));
  const std::vector<Json> expected = local.Metrics();
  const std::vector<Json> metrics = remote.Metrics();
  ASSERT_EQ(metrics.size(), expected.size());
  for (size_t i = 1; i < metrics.size(); ++i) {
    EXPECT_EQ(metrics[i]["reward/mean"], expected[i]["reward/mean"]) << "step " << i;
    EXPECT_EQ(metrics[i]["logprob_diff/max"].get<double>(), 0.0) << "step " << i;
  }
}

}  // namespace
}  // namespace plumb
