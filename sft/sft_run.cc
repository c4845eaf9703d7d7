#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "policy/kernels/cpu/select_isa.h"
#include "policy/model_size.h"
#include "policy/policy_folder.h"
#include "sft/sft_trainer.h"
#include "text/text_codec.h"
#include "train/run_start.h"

namespace plumb {
namespace {

// A policy that is never shown an end token does not learn to stop.
void WarnWithoutEnd(const std::string& file, const std::vector<SftRow>& rows, const TextCodec& codec) {
  std::vector<int64_t> ends = codec.end_ids();
  if (codec.eos_id() >= 0) ends.push_back(codec.eos_id());
  for (const SftRow& row : rows) {
    for (size_t t = 0; t < row.ids.size(); ++t) {
      if (row.train_mask[t] && std::find(ends.begin(), ends.end(), row.ids[t]) != ends.end()) return;
    }
  }
  LogWarning(
      "sft", file, ": no row trains an end token",
      ends.empty() ? ", and the model folder names none" : ", because of the chat template or because all are cut",
      ": the policy will not learn to stop");
}

absl::Status LoadRows(const proto::SftConfig& config, const std::string& policy, SftParts& parts) {
  ASSIGN_OR_RETURN(const std::unique_ptr<TextCodec> codec, TextCodec::Load(policy));
  ASSIGN_OR_RETURN(parts.rows, LoadSftRows(config.data(), *codec, config.max_sequence_length()));
  if (parts.rows.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("data.file: ", config.data().file(), " has no row to train on"));
  }
  WarnWithoutEnd(config.data().file(), parts.rows, *codec);
  if (!config.eval_data().file().empty()) {
    ASSIGN_OR_RETURN(parts.eval_rows, LoadSftRows(config.eval_data(), *codec, config.max_sequence_length()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunSft(const proto::SftConfig& config, const ConfigSources& sources, Resume resume) {
  ASSIGN_OR_RETURN(const at::Device device, ParseDevice(config.compute().device()));
  ASSIGN_OR_RETURN(const at::ScalarType dtype, ParseDtype(config.compute().dtype()));
  SetTensorThreads(config.compute().threads());
  RETURN_IF_ERROR(cpu::SelectIsa(config.compute().isa()));
  ASSIGN_OR_RETURN(RunStart start, FindStart(kSftStage, config.output(), config.model(), resume));
  if (start.state.has_value()) {
    RETURN_IF_ERROR(CheckMachine(start.state->values, ThisMachine(cpu::IsaName(cpu::ActiveIsa())),
                                 resume == Resume::kOnAnyMachine, kSftStage));
  }
  SftParts parts;
  RETURN_IF_ERROR(LoadRows(config, start.policy, parts));
  if (start.state.has_value()) RETURN_IF_ERROR(CheckState(*start.state, config, parts.rows));
  ASSIGN_OR_RETURN(parts.metrics, BeginRecords(config, sources, start));
  parts.run = std::move(start.run);
  ASSIGN_OR_RETURN(parts.weights, LoadPolicyFolder(start.policy, dtype, device));
  LogInfo(kSftStage, parts.rows.size(), " rows, ", NumParameters(parts.weights.config), " parameters");
  SftTrainer trainer(config, std::move(parts));
  if (start.state.has_value()) RETURN_IF_ERROR(trainer.Restore(*start.state));
  const absl::Status ended = trainer.Run();
  if (!ended.ok()) LogToFiles(LogLevel::kError, kSftStage, ended.message());
  return ended;
}

}  // namespace plumb
