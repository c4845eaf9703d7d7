#include "grpo/grpo_run.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "grpo/grpo_trainer.h"
#include "grpo/grpo_validation.h"
#include "grpo/local_services.h"
#include "grpo/sample_log.h"
#include "policy/policy_folder.h"
#include "text/dataset.h"
#include "text/text_codec.h"

namespace plumb {
namespace {

constexpr absl::Duration kConnectLimit = absl::Seconds(60);

// Opens the run folder and takes back what was written after the checkpoint that the run goes on from.
absl::Status OpenRun(const proto::GrpoConfig& config, const ConfigSources& sources, bool resume, GrpoParts& parts,
                     std::string& policy) {
  ASSIGN_OR_RETURN(parts.run, RunFolder::Open(config.output(), resume));
  RETURN_IF_ERROR(AddLogFile(parts.run->File("log.txt")));
  RETURN_IF_ERROR(WriteFileAtomic(parts.run->File("config.yaml"), FormatConfig(config, sources)));
  policy = config.model();
  int64_t resume_step = -1;
  if (resume) {
    ASSIGN_OR_RETURN(const std::optional<std::string> checkpoint, parts.run->LatestCheckpoint());
    if (checkpoint.has_value()) {
      policy = *checkpoint;
      ASSIGN_OR_RETURN(parts.resume, RunFolder::LoadTrainerState(policy));
      resume_step = parts.resume->step;
    }
    LogInfo("grpo", checkpoint.has_value() ? absl::StrCat("going on from ", policy)
                                           : std::string("no checkpoint yet, starting from the model"));
  }
  RETURN_IF_ERROR(CutSampleLog(parts.run->path(), resume_step));
  ASSIGN_OR_RETURN(parts.metrics, MetricsWriter::Open(parts.run->path(), resume_step));
  return absl::OkStatus();
}

absl::Status LoadPolicy(const proto::GrpoConfig& config, const std::string& policy, GrpoParts& parts) {
  ASSIGN_OR_RETURN(const at::Device device, ParseDevice(config.compute().device()));
  ASSIGN_OR_RETURN(const at::ScalarType dtype, ParseDtype(config.compute().dtype()));
  SetTensorThreads(config.compute().threads());
  ASSIGN_OR_RETURN(parts.weights, LoadPolicyFolder(policy, dtype, device));
  if (config.algorithm().kl_coef() > 0) {
    ASSIGN_OR_RETURN(parts.reference, LoadPolicyFolder(config.model(), dtype, device));
  }
  return absl::OkStatus();
}

absl::Status LoadRows(const proto::GrpoConfig& config, GrpoParts& parts) {
  ASSIGN_OR_RETURN(const std::unique_ptr<TextCodec> codec, TextCodec::Load(config.model()));
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

absl::Status RunGrpo(const proto::GrpoConfig& config, const ConfigSources& sources, bool resume,
                     const std::string& program) {
  RETURN_IF_ERROR(CheckGrpoConfig(config));
  GrpoParts parts;
  RETURN_IF_ERROR(LoadRows(config, parts));
  std::string policy;
  RETURN_IF_ERROR(OpenRun(config, sources, resume, parts, policy));
  RETURN_IF_ERROR(LoadPolicy(config, policy, parts));
  ASSIGN_OR_RETURN(const std::unique_ptr<LocalServices> services,
                   LocalServices::Start(config, program, policy, parts.run->path()));
  return services->Explain(Train(config, *services, std::move(parts)));
}

}  // namespace plumb
