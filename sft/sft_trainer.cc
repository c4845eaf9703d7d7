#include "sft/sft_trainer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "policy/kernels/cpu/isa.h"
#include "train/learning_rate.h"
#include "train/progress.h"
#include "train/resume_point.h"

namespace plumb {
namespace {

// The same tensors without gradients.
PolicyWeights WithoutGradients(const PolicyWeights& weights) {
  PolicyWeights detached = weights;
  for (const NamedBuffer& buffer : Buffers(detached)) *buffer.tensor = buffer.tensor->detach();
  if (detached.config.tie_word_embeddings) detached.lm_head = detached.embed;
  return detached;
}

RunIdentity IdentityOf(const proto::SftConfig& config, const std::vector<SftRow>& rows) {
  RunIdentity run{.stage = kSftStage, .seed = config.seed()};
  run.machine = ThisMachine(cpu::IsaName(cpu::ActiveIsa()));
  for (const SftRow& row : rows) run.data_digest = AddRowToDigest(run.data_digest, row.id, row.ids);
  return run;
}

int64_t NumTokens(const SftBatch& batch) {
  int64_t tokens = 0;
  for (const SftMicroBatch& micro_batch : batch.micro_batches) tokens += micro_batch.tokens.num_tokens();
  return tokens;
}

// What the progress line has room for.
StepMetrics Headline(const StepMetrics& metrics) {
  StepMetrics shown;
  for (const auto& metric : metrics) {
    if (metric.first == "loss" || metric.first == "tokens_per_second") shown.push_back(metric);
  }
  return shown;
}

}  // namespace

absl::Status CheckState(const TrainerState& state, const proto::SftConfig& config, const std::vector<SftRow>& rows) {
  return ReadResumePoint(state.values, IdentityOf(config, rows)).status();
}

SftTrainer::SftTrainer(const proto::SftConfig& config, SftParts parts)
    : config_(config),
      run_(std::move(parts.run)),
      metrics_(std::move(parts.metrics)),
      rows_(std::move(parts.rows)),
      identity_(IdentityOf(config, rows_)),
      eval_rows_(std::move(parts.eval_rows)),
      weights_(std::move(parts.weights)),
      updater_(&weights_, config.optimizer()),
      order_(static_cast<int64_t>(rows_.size()), static_cast<uint64_t>(config.seed())) {}

absl::Status SftTrainer::Run() {
  if (step_ >= config_.steps()) {
    LogInfo("sft", "nothing is left to do: ", step_, " of ", config_.steps(), " steps are done");
    return absl::OkStatus();
  }
  Progress progress("sft", config_.steps(), "step");
  while (step_ < config_.steps()) {
    if (InterruptRequested()) return StopForInterrupt();
    ASSIGN_OR_RETURN(StepMetrics metrics, Step());
    if (IsDue(config_.eval_every_steps())) RETURN_IF_ERROR(Evaluate(metrics));
    RETURN_IF_ERROR(metrics_->Write(step_, metrics));
    progress.Show(step_, Headline(metrics));
    if (IsDue(config_.checkpoint().every_steps()) || step_ == config_.steps()) RETURN_IF_ERROR(SaveCheckpoint());
  }
  return skips_.AtEnd();
}

absl::StatusOr<StepMetrics> SftTrainer::Step() {
  const absl::Time start = absl::Now();
  const double learning_rate = LearningRateAt(step_, config_.steps(), config_.optimizer());

  const SftBatch batch = PackSftBatch(NextRows(), config_.micro_batch_tokens(), weights_.embed.device());
  ASSIGN_OR_RETURN(const SftUpdate update, updater_.Update(batch, learning_rate));
  ++step_;

  if (update.skipped) LogWarning("sft", "step ", step_, " skipped: the loss or a gradient is not finite");
  RETURN_IF_ERROR(skips_.Add(update.skipped));
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  return StepMetrics{{"loss", update.loss},
                     {"grad_norm", update.grad_norm},
                     {"learning_rate", learning_rate},
                     {"trained_tokens", static_cast<double>(batch.trained_tokens)},
                     {"tokens_per_second", static_cast<double>(NumTokens(batch)) / seconds},
                     {"skipped_steps", static_cast<double>(skips_.total())},
                     {"epoch", static_cast<double>(order_.position()) / static_cast<double>(rows_.size())},
                     {"time/step", seconds}};
}

std::vector<const SftRow*> SftTrainer::NextRows() {
  std::vector<const SftRow*> rows;
  for (int64_t i = 0; i < config_.batch_size(); ++i) rows.push_back(&rows_[order_.Next()]);
  return rows;
}

absl::Status SftTrainer::Evaluate(StepMetrics& metrics) {
  if (eval_rows_.empty()) return absl::OkStatus();
  std::vector<const SftRow*> rows;
  for (const SftRow& row : eval_rows_) rows.push_back(&row);
  const SftBatch batch = PackSftBatch(rows, config_.micro_batch_tokens(), weights_.embed.device());
  ASSIGN_OR_RETURN(const double loss, updater_.Evaluate(batch));
  metrics.emplace_back("eval/loss", loss);
  LogInfo("sft", "step ", step_, ": eval/loss ", absl::StrFormat("%.4f", loss), " on ", eval_rows_.size(), " rows");
  return absl::OkStatus();
}

bool SftTrainer::IsDue(int64_t every) const { return every > 0 && step_ % every == 0; }

absl::Status SftTrainer::StopForInterrupt() {
  if (step_ != saved_step_) RETURN_IF_ERROR(SaveCheckpoint());
  return absl::CancelledError(absl::StrCat("interrupted after step ", step_, " of ", config_.steps(),
                                           "; the state is saved in ", run_->path(), ", --resume goes on from it"));
}

absl::Status SftTrainer::SaveCheckpoint() {
  TrainerState state;
  state.step = step_;
  state.values = ToJson(ResumePoint{.run = identity_,
                                    .position = order_.position(),
                                    .skipped_steps = skips_.total(),
                                    .optimizer_steps = updater_.optimizer().steps()});
  state.tensors = updater_.optimizer().State();
  RETURN_IF_ERROR(run_->SaveCheckpoint(state, config_.checkpoint().keep(), [this](const std::string& folder) {
    return SaveWeights(WithoutGradients(weights_), folder, config_.model());
  }));
  saved_step_ = step_;
  return absl::OkStatus();
}

absl::Status SftTrainer::Restore(const TrainerState& state) {
  ASSIGN_OR_RETURN(const ResumePoint point, ReadResumePoint(state.values, identity_));
  RETURN_IF_ERROR(updater_.optimizer().LoadState(state.tensors, point.optimizer_steps));
  skips_ = SkipLimit(point.skipped_steps);
  order_.Seek(point.position);
  step_ = saved_step_ = state.step;
  return absl::OkStatus();
}

}  // namespace plumb
