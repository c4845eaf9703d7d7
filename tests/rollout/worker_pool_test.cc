#include "rollout/worker_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "policy/kernels/cpu/isa.h"
#include "rollout/worker_client.h"
#include "tests/rollout/scripted_worker.h"
#include "tests/rollout/tiny_worker.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using testing::AddressOf;
using ::testing::AllOf;
using testing::ControlStub;
using ::testing::ElementsAre;
using testing::ExpectSameUpToRounding;
using ::testing::HasSubstr;
using testing::OtherWeights;
using testing::ScriptedWorker;
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

TEST(WhyBitsDifferTest, NamesWhatTheWorkerHasAndTheTrainerHasNot) {
  const PolicyWeights weights = TinyWeights();
  const std::string own = cpu::IsaName(cpu::ActiveIsa());
  const std::string other = own == "avx2" ? "avx512" : "avx2";
  proto::RolloutInfo worker;
  EXPECT_EQ(WhyBitsDiffer(worker, weights), "") << "an older worker does not tell";
  worker.set_device("cpu");
  worker.set_dtype("float32");
  worker.set_isa(own);
  EXPECT_EQ(WhyBitsDiffer(worker, weights), "");
  worker.set_isa(other);
  EXPECT_EQ(WhyBitsDiffer(worker, weights), other + ", not " + own);
  worker.set_isa("");
  worker.set_device("cuda:1");
  worker.set_dtype("bfloat16");
  EXPECT_EQ(WhyBitsDiffer(worker, weights), "cuda, not cpu; bfloat16, not float32");
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

// What another trainer does to a worker.
void LoadForeignWeights(const RolloutWorker& worker, uint64_t step) {
  grpc::ClientContext context;
  testing::SetLimit(context);
  proto::LoadWeightsRequest load;
  load.set_folder(testing::TinyFolder());
  load.mutable_version()->set_incarnation("foreign");
  load.mutable_version()->set_step(step);
  proto::CommitWeightsResponse loaded;
  const grpc::Status status = ControlStub(worker)->LoadWeights(&context, load, &loaded);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST(WorkerPoolFaultTest, WeightsOfAnotherTrainerEndTheCallAndNotTheWorker) {
  const auto worker = TinyWorker();
  bool loaded = false;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Generator> pool,
                       ConnectWorkers({AddressOf(*worker)}, absl::Seconds(10), [&](int64_t, int64_t, int64_t tokens) {
                         if (loaded || tokens < 20) return;
                         loaded = true;
                         LoadForeignWeights(*worker, /*step=*/7);
                       }));
  ASSERT_OK(pool->PublishWeights(OtherWeights(), "run", 7));
  const SamplingOptions sampling = {.max_new_tokens = 500, .ignore_end_tokens = true};
  EXPECT_THAT(
      pool->Generate(TinyGroups(), sampling, absl::Now() + absl::Seconds(60)),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr(worker->address()), HasSubstr("requires weights of step 7 of run 'run'"),
                     HasSubstr("step 7 of run 'foreign'"), HasSubstr("another trainer publishes to this worker"))));
  EXPECT_TRUE(loaded);
  // Before anything is published again the weights are still foreign; then the worker is of use again.
  EXPECT_THAT(pool->Generate(TinyGroups(), kSampling, Soon()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("step 7 of run 'foreign'")));
  ASSERT_OK(pool->PublishWeights(OtherWeights(), "run", 8));
  EXPECT_OK(pool->Generate(TinyGroups(), kSampling, Soon()));
}

// Finishes every sequence with one token, under a version that nobody published.
grpc::Status AnswerUnder(const proto::WeightVersion& version, proto::FinishReason reason,
                         const proto::GenerateRequest& request, grpc::ServerWriter<proto::GenerateTick>& writer) {
  proto::GenerateTick tick;
  *tick.mutable_weight_version() = version;
  for (int g = 0; g < request.groups_size(); ++g) {
    for (uint32_t sample = 0; sample < request.groups(g).group_size(); ++sample) {
      proto::SequenceDelta& delta = *tick.add_deltas();
      delta.set_group_index(g);
      delta.set_sample_index(sample);
      delta.add_ids(5);
      delta.add_logprobs(-1);
      delta.add_sampling_logprobs(-1);
      delta.mutable_finish()->set_reason(reason);
    }
  }
  writer.Write(tick);
  return grpc::Status::OK;
}

TEST(WorkerPoolFaultTest, TokensOfAnotherVersionAreNotTaken) {
  // Step and incarnation are right, the digest is not.
  ScriptedWorker worker([](grpc::ServerContext&, const proto::GenerateRequest& request, auto& writer) {
    proto::WeightVersion version = request.required_version();
    version.set_digest(version.digest() + 1);
    return AnswerUnder(version, proto::FINISH_REASON_STOP, request, writer);
  });
  const auto pool = Connect({worker.Address()});
  ASSERT_OK(pool->PublishWeights(OtherWeights(), "run", 7));
  EXPECT_THAT(pool->Generate(TinyGroups(), kSampling, Soon()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(worker.Address().address()), HasSubstr("answered with weights of step 7"),
                             HasSubstr("expected step 7"), HasSubstr("another trainer publishes to this worker"))));
}

TEST(WorkerPoolFaultTest, ACompletionThatSomebodyElseCancelledIsNoCompletion) {
  ScriptedWorker worker([](grpc::ServerContext&, const proto::GenerateRequest& request, auto& writer) {
    return AnswerUnder(request.required_version(), proto::FINISH_REASON_CANCELLED, request, writer);
  });
  const auto pool = Connect({worker.Address()});
  ASSERT_OK(pool->PublishWeights(OtherWeights(), "run", 7));
  EXPECT_THAT(pool->Generate(TinyGroups(), kSampling, Soon()),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("'g0' was cancelled by another client")));
}

TEST(WorkerPoolFaultTest, PublishingToASilentWorkerEndsAtItsLimit) {
  ScriptedWorker worker([](auto&, const auto&, auto&) { return grpc::Status::OK; });
  worker.FallSilent();
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Generator> pool,
                       ConnectWorkers({worker.Address()}, absl::Seconds(10), nullptr, absl::Milliseconds(300)));
  const absl::Time start = absl::Now();
  EXPECT_THAT(pool->PublishWeights(OtherWeights(), "run", 7),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       AllOf(HasSubstr(worker.Address().address()), HasSubstr("within 300ms"),
                             HasSubstr("rollout.publish_timeout_seconds"))));
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
}

TEST(WorkerPoolFaultTest, AFailureDoesNotWaitForTheOtherWorkers) {
  std::atomic<bool> begun{false};
  ScriptedWorker failing([&begun](auto& context, const auto&, auto&) {
    while (!begun && !context.IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return grpc::Status(grpc::StatusCode::INTERNAL, "broken");
  });
  ScriptedWorker silent([&begun](auto& context, const auto&, auto&) {
    begun = true;
    while (!context.IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return grpc::Status::OK;
  });
  const auto pool = Connect({failing.Address(), silent.Address()});
  const absl::Time start = absl::Now();
  EXPECT_THAT(pool->Generate(TinyGroups(), kSampling, start + absl::Seconds(60)),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("broken")));
  EXPECT_LT(absl::Now() - start, absl::Seconds(30));
}

TEST(WorkerPoolFaultTest, AWorkerIsNotTakenTwice) {
  const auto worker = TinyWorker();
  const proto::WorkerAddress address = AddressOf(*worker);
  EXPECT_THAT(ConnectWorkers({address, address}, absl::Seconds(10)).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(worker->address() + " is listed twice")));
  proto::WorkerAddress other_name = address;
  other_name.set_address("localhost:" + worker->address().substr(worker->address().rfind(':') + 1));
  EXPECT_THAT(ConnectWorkers({address, other_name}, absl::Seconds(10)).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("the same worker"), HasSubstr(worker->control_address()))));
}

TEST(WorkerPoolFaultTest, AddressesThatAreSwappedOrNoneAreNamed) {
  const auto worker = TinyWorker();
  proto::WorkerAddress swapped;
  swapped.set_address(worker->control_address());
  swapped.set_control_address(worker->address());
  EXPECT_THAT(ConnectWorkers({swapped}, absl::Seconds(10)).status(),
              StatusIs(absl::StatusCode::kUnimplemented,
                       AllOf(HasSubstr(worker->control_address()), HasSubstr("not served"), HasSubstr("swapped"))));
  proto::WorkerAddress data_twice;
  data_twice.set_address(worker->address());
  data_twice.set_control_address(worker->address());
  EXPECT_THAT(ConnectWorkers({data_twice}, absl::Seconds(10)).status(),
              StatusIs(absl::StatusCode::kUnimplemented, AllOf(HasSubstr("control address"), HasSubstr("swapped"))));
  proto::WorkerAddress nonsense;
  nonsense.set_address("here");
  EXPECT_THAT(ConnectWorkers({nonsense}, absl::Seconds(60)).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'here' is not an address")));
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
  EXPECT_THAT(pool->Generate(TinyGroups(), endless, absl::Now() + absl::Milliseconds(100)),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       AllOf(HasSubstr(worker->address()), HasSubstr("the limit was 100ms"))));
}

}  // namespace
}  // namespace plumb
