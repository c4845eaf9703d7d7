#include "rollout/generate_stream.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>

#include "absl/time/clock.h"
#include "base/grpc_channel.h"
#include "base/grpc_status.h"
#include "proto/rollout.grpc.pb.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

// Answers every call with the ticks that `script` writes.
class StreamServer final : public proto::RolloutService::CallbackService {
 public:
  using Script = std::function<void(GenerateStream& stream)>;

  explicit StreamServer(Script script) : script_(std::move(script)) {
    absl::StatusOr<ListeningServer> listening = StartServer("127.0.0.1:0", {this}, /*allow_remote=*/false);
    EXPECT_TRUE(listening.ok()) << listening.status();
    if (listening.ok()) listening_ = *std::move(listening);
  }
  ~StreamServer() override { listening_.server->Shutdown(std::chrono::system_clock::now()); }

  grpc::ServerWriteReactor<proto::GenerateTick>* Generate(grpc::CallbackServerContext*,
                                                          const proto::GenerateRequest*) override {
    auto stream = std::make_shared<GenerateStream>([this] { ++cancels_; });
    stream->Start();
    script_(*stream);
    return stream.get();
  }

  std::unique_ptr<proto::RolloutService::Stub> Stub() const {
    return proto::RolloutService::NewStub(MakeChannel(listening_.address));
  }
  int cancels() const { return cancels_; }

 private:
  const Script script_;
  std::atomic<int> cancels_{0};
  ListeningServer listening_;
};

// A token of each of `sequences` sequences, with a kept set of `kept` ids.
proto::GenerateTick TickOf(int sequences, uint32_t kept, uint64_t step = 1) {
  proto::GenerateTick tick;
  tick.mutable_weight_version()->set_step(step);
  for (int s = 0; s < sequences; ++s) {
    proto::SequenceDelta& delta = *tick.add_deltas();
    delta.set_sample_index(s);
    delta.add_ids(7);
    proto::KeptSet& set = *delta.add_kept_sets();
    for (uint32_t id = 0; id < kept; ++id) set.add_ids(id);
  }
  return tick;
}

TEST(GenerateStreamTest, ATickLargerThanTheLimitArrivesWholeInSeveralMessages) {
  // Two ticks of about 46 MB at once: an engine step with kept sets over a vocabulary of 130 000.
  StreamServer server([](GenerateStream& stream) {
    const proto::GenerateTick tick = TickOf(/*sequences=*/120, /*kept=*/130000);
    EXPECT_GT(tick.ByteSizeLong(), size_t{40} << 20);
    stream.Write(tick);
    stream.Write(tick);
    stream.Close(absl::OkStatus());
  });
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
  const auto stub = server.Stub();
  const auto reader = stub->Generate(&context, {});
  std::vector<int> tokens(120, 0);
  proto::GenerateTick message;
  while (reader->Read(&message)) {
    EXPECT_LE(message.ByteSizeLong(), size_t{9} << 20);
    EXPECT_EQ(message.weight_version().step(), 1u);
    for (const proto::SequenceDelta& delta : message.deltas()) {
      ++tokens.at(delta.sample_index());
      EXPECT_EQ(delta.kept_sets(0).ids_size(), 130000);
    }
  }
  EXPECT_OK(FromGrpcStatus(reader->Finish()));
  EXPECT_EQ(tokens, std::vector<int>(120, 2));
  EXPECT_EQ(server.cancels(), 0);
}

TEST(GenerateStreamTest, VersionsDoNotShareAMessage) {
  StreamServer server([](GenerateStream& stream) {
    for (const uint64_t step : {1, 1, 2, 2}) stream.Write(TickOf(1, 1, step));
    stream.Close(absl::OkStatus());
  });
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  const auto stub = server.Stub();
  const auto reader = stub->Generate(&context, {});
  std::vector<uint64_t> steps;
  proto::GenerateTick message;
  while (reader->Read(&message)) {
    for (int i = 0; i < message.deltas_size(); ++i) steps.push_back(message.weight_version().step());
  }
  EXPECT_OK(FromGrpcStatus(reader->Finish()));
  EXPECT_EQ(steps, (std::vector<uint64_t>{1, 1, 2, 2}));
}

TEST(GenerateStreamFaultTest, AReaderThatIsTooSlowLosesTheCall) {
  // Written before the client can read anything: about 1 MiB each.
  StreamServer server([](GenerateStream& stream) {
    const proto::GenerateTick tick = TickOf(/*sequences=*/3, /*kept=*/120000);
    for (int i = 0; i < 60; ++i) stream.Write(tick);
    stream.Close(absl::OkStatus());
  });
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  const auto stub = server.Stub();
  const auto reader = stub->Generate(&context, {});
  proto::GenerateTick message;
  while (reader->Read(&message)) continue;
  EXPECT_THAT(FromGrpcStatus(reader->Finish()),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("reads too slowly: 32 MiB")));
  EXPECT_EQ(server.cancels(), 1);
}

}  // namespace
}  // namespace plumb
