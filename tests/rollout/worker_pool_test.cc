#include "rollout/worker_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "rollout/worker_client.h"
#include "tests/rollout/tiny_worker.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using testing::AddressOf;
using ::testing::ElementsAre;
using testing::ExpectSameUpToRounding;
using ::testing::HasSubstr;
using testing::OtherWeights;
using testing::StatusIs;
using testing::TinyGroups;
using testing::TinyWeights;
using testing::TinyWorker;

const SamplingOptions kSampling = {.max_new_tokens = 20, .ignore_end_tokens = true};

absl::Time Soon() { return absl::Now() + absl::Seconds(15); }

std::unique_ptr<Generator> Connect(const std::vector<proto::WorkerAddress>& workers) {
  absl::StatusOr<std::unique_ptr<Generator>> pool = ConnectWorkers(workers, absl::Seconds(10));
  PLUMB_CHECK(pool.ok()) << pool.status().ToString();
  return *std::move(pool);
}

TEST(ShareOutTest, GivesTheHeaviestFirstToTheLightest) {
  EXPECT_THAT(ShareOut({5, 1, 4, 2}, 2), ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3)));
  EXPECT_THAT(ShareOut({1}, 2), ElementsAre(ElementsAre(0), ElementsAre()));
}

TEST(WorkerPoolIntegrationTest, TwoWorkersGiveWhatOneDoes) {
  const auto first = TinyWorker();
  const auto second = TinyWorker();
  const std::vector<GroupRequest> groups = TinyGroups();
  const auto one = Connect({AddressOf(*first)});
  const auto two = Connect({AddressOf(*first), AddressOf(*second)});
  ASSERT_OK_AND_ASSIGN(const std::vector<RolloutGroup> alone, one->Generate(groups, kSampling, Soon()));
  ASSERT_OK_AND_ASSIGN(const std::vector<RolloutGroup> shared, two->Generate(groups, kSampling, Soon()));
  ExpectSameUpToRounding(alone, shared);
}

TEST(WorkerPoolIntegrationTest, EveryTokenCarriesThePublishedVersion) {
  const auto worker = TinyWorker();
  const auto pool = Connect({AddressOf(*worker)});
  ASSERT_OK(pool->PublishWeights(OtherWeights(), "run", 7));
  ASSERT_OK_AND_ASSIGN(const std::vector<RolloutGroup> groups, pool->Generate(TinyGroups(), kSampling, Soon()));
  for (const RolloutGroup& group : groups) {
    for (const Completion& completion : group.completions) {
      EXPECT_THAT(completion.weight_steps, ::testing::Each(7));
      EXPECT_EQ(completion.ids.size(), 20);
    }
  }
}

TEST(WorkerPoolFaultTest, ALostWorkersGroupsAreMadeByTheOther) {
  auto first = TinyWorker();
  const auto second = TinyWorker();
  const auto pool = Connect({AddressOf(*first), AddressOf(*second)});
  ASSERT_OK_AND_ASSIGN(const std::vector<RolloutGroup> before, pool->Generate(TinyGroups(), kSampling, Soon()));
  first->Shutdown(absl::Now());
  ASSERT_OK_AND_ASSIGN(const std::vector<RolloutGroup> after, pool->Generate(TinyGroups(), kSampling, Soon()));
  ExpectSameUpToRounding(before, after);
}

TEST(WorkerPoolFaultTest, NamesTheWorkersWhenNoneIsLeft) {
  auto worker = TinyWorker();
  const auto pool = Connect({AddressOf(*worker)});
  worker->Shutdown(absl::Now());
  EXPECT_THAT(pool->Generate(TinyGroups(), kSampling, Soon()),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(worker->address())));
}

TEST(WorkerPoolFaultTest, AWorkerThatDoesNotAnswerIsNamed) {
  proto::WorkerAddress nobody;
  nobody.set_address("unix:/nowhere/worker");
  EXPECT_THAT(ConnectWorkers({nobody}, absl::Milliseconds(100)).status(),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("unix:/nowhere/worker")));
}

TEST(WorkerPoolFaultTest, ADeadlineNamesTheWorker) {
  const auto worker = TinyWorker();
  const auto pool = Connect({AddressOf(*worker)});
  const SamplingOptions endless = {.max_new_tokens = 2000, .ignore_end_tokens = true};
  EXPECT_THAT(pool->Generate(TinyGroups(), endless, absl::Now() + absl::Milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr(worker->address())));
}

}  // namespace
}  // namespace plumb
