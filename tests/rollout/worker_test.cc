#include "rollout/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <thread>

#include "policy/kernels/cpu/isa.h"
#include "proto/grpc_health.grpc.pb.h"
#include "rollout/control_service.h"
#include "rollout/generate_stream.h"
#include "rollout/rollout_service.h"
#include "tests/rollout/tiny_worker.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using testing::Call;
using testing::ControlStub;
using testing::DataStub;
using ::testing::HasSubstr;
using testing::HealthBecomes;
using testing::HealthOf;
using testing::RequestOf;
using testing::SetLimit;
using testing::StatusIs;
using testing::TestFolder;
using testing::TinyGroup;
using testing::TinyGroups;
using testing::TinyWorker;

const SamplingOptions kSampling = {.max_new_tokens = 20, .ignore_end_tokens = true};
// Long enough to be in the middle of it when something else happens.
const SamplingOptions kLong = {.max_new_tokens = 2000, .ignore_end_tokens = true};

bool IsIdle(const proto::HealthReport& report) {
  return report.running_sequences() == 0 && report.waiting_sequences() == 0 && report.free_pages() == 199;
}

TEST(WorkerIntegrationTest, GeneratesOverTcpAndUnixSockets) {
  const TestFolder folder;
  const auto tcp = TinyWorker();
  const auto local = TinyWorker("unix:" + folder.File("data"), "unix:" + folder.File("control"));
  const std::unique_ptr<TextCodec> codec = testing::TinyCodec();
  const std::unique_ptr<Engine> engine = testing::TinyEngine(testing::TinyLimits(), codec.get());
  const std::vector<RolloutGroup> expected = testing::RunTiny(*engine, TinyGroups(), kSampling);
  for (const RolloutWorker* worker : {tcp.get(), local.get()}) {
    std::vector<proto::GenerateTick> ticks;
    ASSERT_OK(Call(*DataStub(*worker), RequestOf(TinyGroups(), kSampling), &ticks));
    std::vector<RolloutGroup> groups = expected;
    for (RolloutGroup& group : groups) {
      for (Completion& completion : group.completions) completion = Completion();
    }
    int finished = 0;
    for (const proto::GenerateTick& tick : ticks) {
      EXPECT_EQ(tick.weight_version().incarnation(), "loaded");
      for (const proto::SequenceDelta& delta : tick.deltas()) {
        Completion& completion = groups.at(delta.group_index()).completions.at(delta.sample_index());
        completion.ids.insert(completion.ids.end(), delta.ids().begin(), delta.ids().end());
        completion.logprobs.insert(completion.logprobs.end(), delta.logprobs().begin(), delta.logprobs().end());
        if (!delta.has_finish()) continue;
        ++finished;
        EXPECT_EQ(delta.finish().reason(), proto::FINISH_REASON_LENGTH);
        EXPECT_FALSE(delta.finish().text().empty());
      }
    }
    EXPECT_EQ(finished, 13);
    testing::ExpectSameUpToRounding(groups, expected);
  }
}

TEST(WorkerIntegrationTest, TellsWhatItIs) {
  const auto worker = TinyWorker();
  grpc::ClientContext context;
  SetLimit(context);
  proto::RolloutInfo info;
  ASSERT_TRUE(DataStub(*worker)->GetInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.api_version(), 1u);
  EXPECT_FALSE(info.software_version().empty());
  EXPECT_EQ(info.control_address(), worker->control_address());
  EXPECT_EQ(info.max_context_tokens(), 2560u);
  EXPECT_EQ(info.max_running_sequences(), 16u);
  EXPECT_EQ(info.cache_bytes_per_page(), 3u * 64 * 48 * 4);  // layers, tokens, Rkv + Dr, float32
  EXPECT_EQ(info.vocab_size(), 1024u);
  EXPECT_EQ(info.tokenizer_size(), 1015u);
  EXPECT_EQ(info.isa(), cpu::IsaName(cpu::ActiveIsa()));
  EXPECT_NE(info.weight_version().digest(), 0u);
}

TEST(WorkerIntegrationTest, AnswersHealthChecksOnBothAddresses) {
  const auto worker = TinyWorker();
  for (const std::string& address : {worker->address(), worker->control_address()}) {
    grpc::ClientContext context;
    SetLimit(context);
    grpc::health::v1::HealthCheckResponse response;
    const auto stub = grpc::health::v1::Health::NewStub(MakeChannel(address));
    ASSERT_TRUE(stub->Check(&context, {}, &response).ok());
    EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  }
}

TEST(WorkerIntegrationTest, ReturnsKeptSets) {
  const auto worker = TinyWorker();
  SamplingOptions sampling = {.max_new_tokens = 5, .top_k = 7, .ignore_end_tokens = true, .return_kept_sets = true};
  std::vector<proto::GenerateTick> ticks;
  ASSERT_OK(Call(*DataStub(*worker), RequestOf({TinyGroup(0, 5, 1)}, sampling), &ticks));
  int kept_sets = 0;
  for (const proto::GenerateTick& tick : ticks) {
    for (const proto::SequenceDelta& delta : tick.deltas()) {
      for (const proto::KeptSet& kept : delta.kept_sets()) {
        ++kept_sets;
        EXPECT_EQ(kept.ids_size(), 7);
      }
    }
  }
  EXPECT_EQ(kept_sets, 5);
}

TEST(WorkerIntegrationTest, ASlowReaderGetsEverythingInFewMessages) {
  const auto worker = TinyWorker();
  const auto data = DataStub(*worker);
  const auto control = ControlStub(*worker);
  grpc::ClientContext context;
  SetLimit(context);
  SamplingOptions sampling = kLong;
  sampling.max_new_tokens = 400;
  const auto reader = data->Generate(&context, RequestOf({TinyGroup(0, 5, 1)}, sampling));
  ASSERT_TRUE(HealthBecomes(*control, [](const auto& report) { return report.generated_tokens() == 400; }));
  int tokens = 0;
  proto::GenerateTick tick;
  while (reader->Read(&tick)) {
    for (const proto::SequenceDelta& delta : tick.deltas()) tokens += delta.ids_size();
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(tokens, 400);
}

TEST(WorkerIntegrationTest, PauseStopsStepsAndResumeGoesOn) {
  const auto worker = TinyWorker();
  const auto data = DataStub(*worker);
  const auto control = ControlStub(*worker);
  grpc::ClientContext pause_context, resume_context;
  SetLimit(pause_context);
  SetLimit(resume_context);
  proto::PauseResponse paused;
  ASSERT_TRUE(control->Pause(&pause_context, {}, &paused).ok());
  EXPECT_EQ(HealthOf(*control).state(), proto::HealthReport::STATE_PAUSED);
  absl::Status status;
  std::thread caller([&] { status = Call(*data, RequestOf({TinyGroup(0, 5, 2)}, kSampling)); });
  EXPECT_TRUE(HealthBecomes(*control, [](const auto& report) { return report.waiting_sequences() == 2; }));
  // Deadlines run while paused.
  EXPECT_THAT(Call(*data, RequestOf({TinyGroup(1, 5, 1)}, kSampling, "late"), nullptr, absl::Milliseconds(100)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, ::testing::_));
  EXPECT_TRUE(HealthBecomes(*control, [](const auto& report) { return report.waiting_sequences() == 2; }));
  EXPECT_EQ(HealthOf(*control).generated_tokens(), 0u);
  proto::ResumeResponse resumed;
  ASSERT_TRUE(control->Resume(&resume_context, {}, &resumed).ok());
  caller.join();
  EXPECT_OK(status);
  EXPECT_EQ(HealthOf(*control).state(), proto::HealthReport::STATE_SERVING);
}

TEST(WorkerIntegrationTest, CancelEndsARequestOrOneOfItsGroups) {
  const auto worker = TinyWorker();
  const auto data = DataStub(*worker);
  const auto control = ControlStub(*worker);
  std::vector<proto::GenerateTick> ticks;
  absl::Status status;
  std::thread caller([&] { status = Call(*data, RequestOf({TinyGroup(0, 5, 2), TinyGroup(1, 5, 3)}, kLong), &ticks); });
  ASSERT_TRUE(HealthBecomes(*control, [](const auto& report) { return report.running_sequences() == 5; }));
  const auto cancel = [&](const std::string& group) {
    grpc::ClientContext context;
    SetLimit(context);
    proto::CancelRequest request;
    request.set_request_id("request");
    request.set_group_id(group);
    proto::CancelResponse response;
    const grpc::Status cancelled = data->Cancel(&context, request, &response);
    EXPECT_TRUE(cancelled.ok() || group == "none") << cancelled.error_message();
    return response.cancelled_sequences();
  };
  EXPECT_EQ(cancel("none"), 0u);
  EXPECT_EQ(cancel("g1"), 3u);
  EXPECT_EQ(cancel(""), 2u);
  caller.join();
  EXPECT_OK(status);
  int cancelled = 0;
  for (const proto::GenerateTick& tick : ticks) {
    for (const proto::SequenceDelta& delta : tick.deltas()) {
      cancelled += delta.finish().reason() == proto::FINISH_REASON_CANCELLED ? 1 : 0;
    }
  }
  EXPECT_EQ(cancelled, 5);
  EXPECT_TRUE(HealthBecomes(*control, IsIdle));
}

TEST(WorkerFaultTest, AClientThatGoesAwayLeavesNothing) {
  const auto worker = TinyWorker();
  const auto data = DataStub(*worker);
  const auto control = ControlStub(*worker);
  for (int round = 0; round < 3; ++round) {
    grpc::ClientContext context;
    SetLimit(context);
    const auto reader = data->Generate(&context, RequestOf(TinyGroups(), kLong, absl::StrCat("request-", round)));
    ASSERT_TRUE(HealthBecomes(*control, [](const auto& report) { return report.running_sequences() > 0; }));
    context.TryCancel();
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
    EXPECT_TRUE(HealthBecomes(*control, IsIdle));
  }
}

TEST(WorkerFaultTest, ADeadlineEndsTheWork) {
  const auto worker = TinyWorker();
  EXPECT_THAT(Call(*DataStub(*worker), RequestOf(TinyGroups(), kLong), nullptr, absl::Milliseconds(150)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, ::testing::_));
  EXPECT_TRUE(HealthBecomes(*ControlStub(*worker), IsIdle));
}

TEST(WorkerFaultTest, RefusesBadRequestsWithTheFieldsPath) {
  const auto worker = TinyWorker();
  const auto data = DataStub(*worker);
  const auto call = [&](const std::function<void(proto::GenerateRequest&)>& change) {
    proto::GenerateRequest request = RequestOf({TinyGroup(0, 5, 1), TinyGroup(1, 5, 1)}, kSampling);
    change(request);
    return Call(*data, request);
  };
  const auto refuses = [](const std::string& text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(call([](auto& request) { request.set_api_version(9); }), refuses("api_version"));
  EXPECT_THAT(call([](auto& request) { request.clear_request_id(); }), refuses("request_id"));
  EXPECT_THAT(call([](auto& request) { request.clear_groups(); }), refuses("groups"));
  EXPECT_THAT(call([](auto& request) { request.mutable_groups(1)->set_group_id("g0"); }),
              refuses("groups[1].group_id"));
  EXPECT_THAT(call([](auto& request) { request.mutable_groups(1)->clear_prompt_ids(); }),
              refuses("groups[1].prompt_ids"));
  EXPECT_THAT(call([](auto& request) { request.mutable_sampling()->set_temperature(-1); }),
              refuses("sampling.temperature"));
  EXPECT_THAT(call([](auto& request) { request.mutable_sampling()->set_greedy(true); }), refuses("sampling.greedy"));
  EXPECT_THAT(call([](auto& request) { request.mutable_sampling()->set_max_new_tokens(0); }),
              refuses("sampling.max_new_tokens"));
  EXPECT_THAT(call([](auto& request) { request.mutable_groups(0)->set_group_size(1001); }), refuses("group_size"));
  EXPECT_THAT(call([](auto& request) {
                request.mutable_groups(0)->set_group_size(600);
                request.mutable_groups(1)->set_group_size(600);
              }),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("may wait")));
  EXPECT_THAT(call([](auto& request) { request.mutable_required_version()->set_step(3); }),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("requires weights of step 3")));
  EXPECT_OK(call([](auto&) {}));
}

// A data service alone over real gRPC, with its loop in reach.
class RolloutServiceFaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(server_, StartServer("127.0.0.1:0", {&service_}, /*allow_remote=*/false));
    data_ = proto::RolloutService::NewStub(MakeChannel(server_.address));
  }
  void TearDown() override {
    server_.server->Shutdown(absl::ToChronoTime(absl::Now() + absl::Seconds(1)));
    loop_.Stop();
  }
  // Whether the calls in progress come to be `wanted` within ten seconds.
  bool OpenBecomes(int64_t wanted) const {
    const absl::Time deadline = absl::Now() + absl::Seconds(10);
    while (service_.num_open() != wanted && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
    return service_.num_open() == wanted;
  }

  EngineLoop loop_{testing::TinyEngine(testing::TinyLimits())};
  RolloutServiceImpl service_{&loop_, proto::RolloutInfo()};
  ListeningServer server_;
  std::unique_ptr<proto::RolloutService::Stub> data_;
};

TEST_F(RolloutServiceFaultTest, AFullQueueDoesNotLoseTheCancelOfAClientThatIsGone) {
  grpc::ClientContext context;
  SetLimit(context, absl::Seconds(60));
  const auto reader = data_->Generate(&context, RequestOf({TinyGroup(0, 5, 2)}, kLong));
  proto::GenerateTick tick;
  ASSERT_TRUE(reader->Read(&tick));
  loop_.SetPaused(true);  // the request can end by its cancel alone
  std::atomic<bool> taken{false};
  std::atomic<bool> go{false};
  ASSERT_OK(loop_.Post([&](Engine&) {
    taken = true;
    while (!go) absl::SleepFor(absl::Milliseconds(1));
  }));
  while (!taken) absl::SleepFor(absl::Milliseconds(1));
  while (loop_.Post([](Engine&) {}).ok()) continue;
  context.TryCancel();
  absl::SleepFor(absl::Milliseconds(500));  // the worker hears of it while its queue is full
  go = true;
  EXPECT_TRUE(OpenBecomes(0));
}

TEST(WorkerFaultTest, RefusesASecondRequestOfTheSameId) {
  const auto worker = TinyWorker();
  const auto data = DataStub(*worker);
  grpc::ClientContext context;
  SetLimit(context);
  const auto reader = data->Generate(&context, RequestOf({TinyGroup(0, 5, 1)}, kLong));
  proto::GenerateTick tick;
  ASSERT_TRUE(reader->Read(&tick));
  EXPECT_THAT(Call(*data, RequestOf({TinyGroup(0, 5, 1)}, kSampling)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("already running")));
  context.TryCancel();
}

TEST(WorkerFaultTest, ATakenAddressIsAnError) {
  const auto worker = TinyWorker();
  WorkerOptions options;
  options.address = worker->address();
  options.control_address = "127.0.0.1:0";
  options.engine = testing::TinyLimits();
  EXPECT_THAT(RolloutWorker::Start(testing::TinyWeights(), nullptr, options),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(worker->address())));
}

TEST(WorkerFaultTest, ShutdownLetsRunningCallsFinishOrEndsThemWithAReason) {
  const auto worker = TinyWorker();
  const auto data = DataStub(*worker);
  const auto control = ControlStub(*worker);
  absl::Status status;
  std::thread caller([&] { status = Call(*data, RequestOf({TinyGroup(0, 5, 2)}, kLong)); });
  ASSERT_TRUE(HealthBecomes(*control, [](const auto& report) { return report.running_sequences() == 2; }));
  worker->Shutdown(absl::Now() + absl::Milliseconds(50));
  caller.join();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("stopping")));

  const auto draining = TinyWorker();
  std::vector<proto::GenerateTick> ticks;
  const auto stub = DataStub(*draining);
  const auto draining_control = ControlStub(*draining);
  std::thread patient([&] { status = Call(*stub, RequestOf({TinyGroup(0, 5, 2)}, kSampling), &ticks); });
  ASSERT_TRUE(HealthBecomes(*draining_control, [](const auto& report) { return report.generated_tokens() > 0; }));
  draining->Shutdown(absl::Now() + absl::Seconds(10));
  patient.join();
  EXPECT_OK(status);
}

}  // namespace
}  // namespace plumb
