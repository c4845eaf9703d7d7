#include "rollout/worker.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/grpc_channel.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "policy/kernels/cpu/isa.h"
#include "rollout/control_service.h"
#include "rollout/engine.h"
#include "rollout/engine_loop.h"
#include "rollout/rollout_service.h"
#include "rollout/wire.h"

namespace plumb {
namespace {

constexpr absl::Duration kStopLimit = absl::Seconds(5);
constexpr absl::Duration kFlushLimit = absl::Milliseconds(500);

proto::RolloutInfo MakeInfo(const Engine& engine) {
  proto::RolloutInfo info;
  info.set_api_version(kRolloutApiVersion);
  info.set_software_version(PLUMB_VERSION);
  info.set_max_context_tokens(static_cast<uint32_t>(engine.max_context_tokens()));
  info.set_max_running_sequences(engine.limits().max_running_sequences());
  info.set_max_step_tokens(engine.limits().max_step_tokens());
  info.set_max_waiting_sequences(engine.limits().max_waiting_sequences());
  info.set_cache_pages(engine.limits().cache_pages());
  info.set_page_tokens(kPageTokens);
  info.set_cache_bytes_per_page(static_cast<uint64_t>(engine.layout().BytesPerPage()));
  info.set_vocab_size(static_cast<uint32_t>(engine.weights().config.vocab_size));
  info.set_tokenizer_size(static_cast<uint32_t>(engine.tokenizer_size()));
  info.set_dtype(engine.weights().embed.scalar_type() == at::kFloat ? "float32" : "bfloat16");
  info.set_device(engine.weights().embed.device().str());
  if (engine.weights().embed.is_cpu()) info.set_isa(cpu::IsaName(cpu::ActiveIsa()));
  for (const int64_t id : engine.end_ids()) info.add_end_ids(static_cast<uint32_t>(id));
  return info;
}

class WorkerImpl : public RolloutWorker {
 public:
  WorkerImpl(std::unique_ptr<TextCodec> codec, std::unique_ptr<Engine> engine, WeightForm form)
      : codec_(std::move(codec)),
        info_(MakeInfo(*engine)),
        loop_(std::move(engine)),
        data_(&loop_, info_),
        control_(&loop_, std::move(form)) {}

  ~WorkerImpl() override {
    Shutdown(absl::Now());
    loop_.Stop();  // before the services that its requests refer to
  }

  absl::Status Listen(const WorkerOptions& options) {
    ASSIGN_OR_RETURN(control_server_, StartServer(options.control_address, {&control_}, options.allow_remote));
    data_.set_control_address(control_server_.address);
    ASSIGN_OR_RETURN(data_server_, StartServer(options.address, {&data_}, options.allow_remote));
    return absl::OkStatus();
  }

  const std::string& address() const override { return data_server_.address; }
  const std::string& control_address() const override { return control_server_.address; }

  void Shutdown(absl::Time drain_deadline) override {
    data_.Refuse();
    SetServing(data_server_, false);
    SetServing(control_server_, false);
    while (data_.num_open() > 0 && absl::Now() < drain_deadline) absl::SleepFor(absl::Milliseconds(10));
    if (data_.num_open() > 0) {
      const auto end_all = [](Engine& engine) {
        engine.EndAll(absl::UnavailableError("the worker is stopping"));
        return absl::OkStatus();
      };
      const absl::Status ended = loop_.Run(end_all, absl::Now() + kStopLimit);
      if (!ended.ok()) LogWarning("rollout", "calls are cut off: ", ended.message());
    }
    Stop(data_server_);
    Stop(control_server_);
  }

 private:
  static void SetServing(ListeningServer& listening, bool serving) {
    if (listening.server == nullptr) return;
    if (auto* health = listening.server->GetHealthCheckService(); health != nullptr) health->SetServingStatus(serving);
  }

  // Answers that are under way get a moment; calls that are then still open are cancelled.
  static void Stop(ListeningServer& listening) {
    if (listening.server != nullptr) listening.server->Shutdown(absl::ToChronoTime(absl::Now() + kFlushLimit));
  }

  const std::unique_ptr<TextCodec> codec_;
  const proto::RolloutInfo info_;
  EngineLoop loop_;
  RolloutServiceImpl data_;
  RolloutControlImpl control_;
  ListeningServer data_server_;
  ListeningServer control_server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RolloutWorker>> RolloutWorker::Start(PolicyWeights weights,
                                                                    std::unique_ptr<TextCodec> codec,
                                                                    const WorkerOptions& options) {
  if (weights.embed.device() != options.device) {
    return absl::InvalidArgumentError(
        absl::StrCat("weights are on ", weights.embed.device().str(), ", expected ", options.device.str()));
  }
  WeightForm form = {weights.config, weights.embed.scalar_type(), options.device};
  WeightVersion version = {"loaded", 0, WeightDigest(weights)};
  ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, Engine::Create(std::move(weights), codec.get(), options.engine));
  engine->ReplaceWeights(engine->weights(), std::move(version));
  auto worker = std::make_unique<WorkerImpl>(std::move(codec), std::move(engine), std::move(form));
  RETURN_IF_ERROR(worker->Listen(options));
  LogInfo("rollout", "worker on ", worker->address(), ", control on ", worker->control_address());
  return worker;
}

}  // namespace plumb
