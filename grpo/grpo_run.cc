#include "grpo/grpo_run.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "grpo/grpo_trainer.h"
#include "grpo/grpo_validation.h"
#include "grpo/local_services.h"
#include "grpo/sample_log.h"
#include "policy/kernels/cpu/select_isa.h"
#include "policy/policy_folder.h"
#include "text/dataset.h"
#include "text/text_codec.h"
#include "train/run_start.h"

namespace plumb {
namespace {

constexpr absl::Duration kConnectLimit = absl::Seconds(60);

absl::Status LoadPolicy(const proto::GrpoConfig& config, const std::string& policy, GrpoParts& parts) {
  ASSIGN_OR_RETURN(const at::Device device, ParseDevice(config.compute().device()));
  ASSIGN_OR_RETURN(const at::ScalarType dtype, ParseDtype(config.compute().dtype()));
  SetTensorThreads(config.compute().threads());
  RETURN_IF_ERROR(cpu::SelectIsa(config.compute().isa()));
  ASSIGN_OR_RETURN(parts.weights, LoadPolicyFolder(policy, dtype, device));
  if (config.algorithm().kl_coef() > 0) {
    ASSIGN_OR_RETURN(parts.reference, LoadPolicyFolder(config.model(), dtype, device));
  }
  return absl::OkStatus();
}

absl::Status LoadRows(const proto::GrpoConfig& config, const std::string& policy, GrpoParts& parts) {
  ASSIGN_OR_RETURN(const std::unique_ptr<TextCodec> codec, TextCodec::Load(policy));
  parts.num_ids = codec->tokenizer().size();
  ASSIGN_OR_RETURN(parts.rows, LoadPromptRows(config.data(), *codec));
  if (!config.eval().data().file().empty()) {
    ASSIGN_OR_RETURN(parts.eval_rows, LoadPromptRows(config.eval().data(), *codec));
  }
  return absl::OkStatus();
}

absl::Status Train(const proto::GrpoConfig& config, const LocalServices& services, GrpoParts parts) {
  ASSIGN_OR_RETURN(parts.reward, RewardClient::Connect(services.plugins(), config.reward()));
  ASSIGN_OR_RETURN(parts.generator, ConnectWorkers(services.workers(), kConnectLimit, /*progress=*/nullptr,
                                                   absl::Seconds(config.rollout().publish_timeout_seconds())));
  LogInfo("grpo", "rollouts by ", parts.generator->Describe());
  ASSIGN_OR_RETURN(const std::unique_ptr<GrpoTrainer> trainer, GrpoTrainer::Create(config, std::move(parts)));
  return trainer->Run();
}

}  // namespace

absl::Status RunGrpo(const proto::GrpoConfig& config, const ConfigSources& sources, Resume resume,
                     const std::string& program) {
  RETURN_IF_ERROR(CheckGrpoConfig(config));
  ASSIGN_OR_RETURN(RunStart start, FindStart(kGrpoStage, config.output(), config.model(), resume));
  if (start.step() >= config.steps()) {
    LogInfo(kGrpoStage, "all ", config.steps(), " steps are done: nothing is left to do; the policy is ", start.policy);
    return absl::OkStatus();
  }
  GrpoParts parts;
  RETURN_IF_ERROR(LoadRows(config, start.policy, parts));
  RETURN_IF_ERROR(LoadPolicy(config, start.policy, parts));
  parts.resume = start.state;
  if (start.state.has_value()) {
    RETURN_IF_ERROR(CheckMachine(start.state->values, ThisMachine(cpu::IsaName(cpu::ActiveIsa())),
                                 resume == Resume::kOnAnyMachine, kGrpoStage));
  }
  RETURN_IF_ERROR(CheckParts(config, parts));
  ASSIGN_OR_RETURN(parts.metrics, BeginRecords(config, sources, start));
  RETURN_IF_ERROR(CutSampleLog(start.output, start.step()));
  parts.run = std::move(start.run);
  ASSIGN_OR_RETURN(const std::unique_ptr<LocalServices> services,
                   LocalServices::Start(config, program, start.policy, start.output));
  const absl::Status ended = services->Explain(Train(config, *services, std::move(parts)));
  if (!ended.ok()) LogToFiles(LogLevel::kError, kGrpoStage, ended.message());
  return ended;
}

}  // namespace plumb
