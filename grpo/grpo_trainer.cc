#include "grpo/grpo_trainer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "grpo/grpo_options.h"
#include "grpo/sample_log.h"
#include "policy/kernels/cpu/isa.h"
#include "policy/weight_digest.h"
#include "train/learning_rate.h"
#include "train/resume_point.h"

namespace plumb {
namespace {

constexpr char kStateFile[] = "trainer_state.json";
constexpr absl::string_view kAccuracy = "eval/accuracy";
// On the progress line.
constexpr absl::string_view kShown[] = {"reward/mean", "loss", "kl", "entropy", "tokens_per_second"};

// Adds the seconds of its life to a phase.
class PhaseTimer {
 public:
  explicit PhaseTimer(double& seconds) : seconds_(seconds), start_(absl::Now()) {}
  ~PhaseTimer() { seconds_ += absl::ToDoubleSeconds(absl::Now() - start_); }
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;

 private:
  double& seconds_;
  const absl::Time start_;
};

// The same tensors without gradients, as generators take them.
PolicyWeights WithoutGradients(const PolicyWeights& weights) {
  PolicyWeights detached = weights;
  for (const NamedBuffer& buffer : Buffers(detached)) *buffer.tensor = buffer.tensor->detach();
  if (detached.config.tie_word_embeddings) detached.lm_head = detached.embed;
  return detached;
}

absl::Duration LongestOutage(const proto::RewardClientConfig& reward) {
  double seconds = 0;
  for (const proto::PluginConfig& plugin : reward.plugins()) seconds = std::max(seconds, plugin.outage_seconds());
  return absl::Seconds(seconds);
}

absl::Status CheckLengths(const std::vector<PromptRow>& rows, const char* field, int64_t max_new_tokens,
                          int64_t max_positions) {
  for (const PromptRow& row : rows) {
    const int64_t length = static_cast<int64_t>(row.prompt_ids.size());
    if (length == 0) {
      return absl::InvalidArgumentError(absl::StrCat(field, ": the prompt of row '", row.id, "' has no tokens"));
    }
    if (length + max_new_tokens > max_positions) {
      return absl::InvalidArgumentError(absl::StrCat(field, ": row '", row.id, "' has ", length,
                                                     " prompt tokens; with sampling.max_new_tokens (", max_new_tokens,
                                                     ") that is more than the model's ", max_positions, " positions"));
    }
  }
  return absl::OkStatus();
}

RunIdentity IdentityOf(const proto::GrpoConfig& config, const std::vector<PromptRow>& rows) {
  RunIdentity run{.stage = kGrpoStage, .seed = config.seed()};
  run.machine = ThisMachine(cpu::IsaName(cpu::ActiveIsa()));
  for (const PromptRow& row : rows) run.data_digest = AddRowToDigest(run.data_digest, row.id, row.prompt_ids);
  return run;
}

// "" without a reference policy.
std::string ReferenceDigest(const std::optional<PolicyWeights>& reference) {
  return reference.has_value() ? absl::StrFormat("%016x", WeightDigest(*reference)) : std::string();
}

absl::Status CheckReference(const TrainerState& state, const std::optional<PolicyWeights>& reference) {
  ASSIGN_OR_RETURN(const std::string digest, JsonString(state.values, "reference_digest", kStateFile));
  if (digest.empty() || !reference.has_value() || digest == ReferenceDigest(reference)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "model: is another policy than the one that the run began with, and it is the reference of the KL term; give the "
      "first one (a link such as checkpoints/latest may have moved on)");
}

}  // namespace

absl::Status CheckParts(const proto::GrpoConfig& config, const GrpoParts& parts) {
  const int64_t limit = parts.weights.config.max_positions;
  const int64_t num_rows = static_cast<int64_t>(parts.rows.size());
  if (num_rows < config.prompts_per_step()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "data: has ", num_rows, " rows, expected at least prompts_per_step (", config.prompts_per_step(), ")"));
  }
  RETURN_IF_ERROR(CheckLengths(parts.rows, "data", config.sampling().max_new_tokens(), limit));
  RETURN_IF_ERROR(CheckLengths(parts.eval_rows, "eval.data", config.sampling().max_new_tokens(), limit));
  if (!parts.resume.has_value()) return absl::OkStatus();
  RETURN_IF_ERROR(ReadResumePoint(parts.resume->values, IdentityOf(config, parts.rows)).status());
  return CheckReference(*parts.resume, parts.reference);
}

absl::StatusOr<std::unique_ptr<GrpoTrainer>> GrpoTrainer::Create(const proto::GrpoConfig& config, GrpoParts parts) {
  RETURN_IF_ERROR(CheckParts(config, parts));
  const std::optional<TrainerState> state = std::move(parts.resume);
  std::unique_ptr<GrpoTrainer> trainer(new GrpoTrainer(config, std::move(parts)));
  if (state.has_value()) RETURN_IF_ERROR(trainer->Restore(*state));
  trainer->incarnation_ =
      absl::StrFormat("%s-%d-%x", config.output(), trainer->incarnation_count_, absl::ToUnixNanos(absl::Now()));
  return trainer;
}

GrpoTrainer::GrpoTrainer(const proto::GrpoConfig& config, GrpoParts parts)
    : config_(config),
      sampling_(SamplingOf(config.sampling())),
      run_(std::move(parts.run)),
      metrics_(std::move(parts.metrics)),
      generator_(std::move(parts.generator)),
      reward_(std::move(parts.reward)),
      rows_(std::move(parts.rows)),
      eval_rows_(std::move(parts.eval_rows)),
      weights_(std::move(parts.weights)),
      reference_(std::move(parts.reference)),
      identity_(IdentityOf(config, rows_)),
      reference_digest_(ReferenceDigest(reference_)),
      updater_(&weights_, reference_.has_value() ? &*reference_ : nullptr, UpdateOf(config, parts.num_ids)),
      order_(static_cast<int64_t>(rows_.size()), static_cast<uint64_t>(config.seed())),
      progress_("grpo", config.steps(), "step") {}

absl::Status GrpoTrainer::Run() {
  RETURN_IF_ERROR(PublishWeights());
  if (!goes_on_) {
    StepMetrics before;
    RETURN_IF_ERROR(Evaluate(before));
    if (!before.empty()) RETURN_IF_ERROR(Record(before));
  }
  while (step_ < config_.steps()) {
    if (InterruptRequested()) return StopForInterrupt();
    if (const absl::Status taken = TakeStep(); !taken.ok()) return StopForFailure(taken);
    if (CheckpointIsDue()) RETURN_IF_ERROR(SaveCheckpoint());
  }
  return skips_.AtEnd();
}

absl::Status GrpoTrainer::TakeStep() {
  ASSIGN_OR_RETURN(StepMetrics metrics, Step());
  // What the step gave is recorded even where its evaluation fails.
  const absl::Status evaluated = EvaluationIsDue() ? Evaluate(metrics) : absl::OkStatus();
  RETURN_IF_ERROR(Record(metrics));
  return evaluated;
}

absl::StatusOr<StepMetrics> GrpoTrainer::Step() {
  times_ = StepTimes();
  const absl::Time start = absl::Now();
  const double learning_rate = LearningRateAt(step_, config_.steps(), config_.optimizer());

  const std::vector<PromptVisit> prompts = NextPrompts();
  ASSIGN_OR_RETURN(std::vector<RolloutGroup> rollouts,
                   Generate(prompts, config_.group_size(), SeedDomain::kTrain, sampling_));
  ASSIGN_OR_RETURN(std::vector<ScoredGroup> groups, Score(prompts, std::move(rollouts)));
  RETURN_IF_ERROR(CheckRewards(groups));
  AssignAdvantages(groups, AdvantagesOf(config_.algorithm()), config_.mask_truncated());
  ASSIGN_OR_RETURN(const UpdateReport update, Improve(groups));
  ++step_;
  position_ = order_.position();
  RETURN_IF_ERROR(PublishWeights());

  times_.step = absl::ToDoubleSeconds(absl::Now() - start);
  RETURN_IF_ERROR(WriteStepSamples(run_->path(), step_, groups));
  return MakeStepMetrics({groups, update, times_, learning_rate, skips_.total(), reference_.has_value()});
}

std::vector<PromptVisit> GrpoTrainer::NextPrompts() {
  std::vector<PromptVisit> prompts;
  for (int64_t p = 0; p < config_.prompts_per_step(); ++p) {
    // Every epoch asks for each row once, so its number is how often the row was asked for before.
    const uint64_t visit = static_cast<uint64_t>(order_.epoch());
    prompts.push_back({&rows_[order_.Next()], visit});
  }
  return prompts;
}

absl::StatusOr<std::vector<RolloutGroup>> GrpoTrainer::Generate(const std::vector<PromptVisit>& prompts,
                                                                int64_t group_size, SeedDomain domain,
                                                                const SamplingOptions& sampling) {
  const PhaseTimer timer(times_.rollout);
  const absl::Time deadline = absl::Now() + absl::Seconds(config_.rollout().timeout_seconds());
  return generator_->Generate(GenerationRequests(prompts, group_size, static_cast<uint64_t>(config_.seed()), domain),
                              sampling, deadline);
}

absl::StatusOr<std::vector<ScoredGroup>> GrpoTrainer::Score(const std::vector<PromptVisit>& prompts,
                                                            std::vector<RolloutGroup> rollouts) {
  const PhaseTimer timer(times_.reward);
  const std::vector<RewardItem> items = RewardItems(prompts, rollouts);
  // The client limits each call and repeats failed ones; this is the time of all calls one after the other.
  const double calls = static_cast<double>(items.size()) / config_.reward().batch_items() + 1;
  const absl::Duration limit = LongestOutage(config_.reward()) + absl::Seconds(calls * config_.reward().max_attempts() *
                                                                               config_.reward().timeout_seconds());
  ASSIGN_OR_RETURN(const std::vector<RewardResult> results, reward_->Score(items, absl::Now() + limit));
  return JoinScores(prompts, std::move(rollouts), results);
}

absl::Status GrpoTrainer::CheckRewards(const std::vector<ScoredGroup>& groups) const {
  const OutcomeCounts counts = CountOutcomes(groups);
  if (counts.failed + counts.invalid > 0) {
    LogWarning("grpo", "step ", step_ + 1, ": of ", counts.completions, " completions ", counts.failed,
               " have no reward because scoring failed, and ", counts.invalid,
               " because their row cannot be scored; the first says: ", counts.first_message);
  }
  const double share = UnscoredShare(groups);
  if (share <= config_.reward().max_failed_share()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrFormat("step %d: %.0f %% of the groups have no two rewards to compare (%d completions failed, %d "
                      "invalid, %d abstained), "
                      "more than reward.max_failed_share (%.0f %%)%s",
                      step_ + 1, 100 * share, counts.failed, counts.invalid, counts.abstained,
                      100 * config_.reward().max_failed_share(),
                      counts.first_message.empty() ? "" : "; the first says: " + counts.first_message));
}

absl::StatusOr<UpdateReport> GrpoTrainer::Improve(const std::vector<ScoredGroup>& groups) {
  const PhaseTimer timer(times_.train);
  // Only a KL term teaches anything where the advantage is zero.
  const bool skip_zero_advantages = config_.algorithm().kl_coef() == 0;
  const std::vector<TrainPart> parts =
      SplitIntoParts(groups, config_.algorithm().optimizer_steps(), skip_zero_advantages);
  updating_ = true;
  ASSIGN_OR_RETURN(UpdateReport update,
                   updater_.Update(parts, LearningRateAt(step_, config_.steps(), config_.optimizer())));
  updating_ = false;
  if (update.skipped_steps > 0) {
    LogWarning("grpo", "step ", step_ + 1, ": ", update.skipped_steps,
               " optimizer step(s) skipped, the loss or a gradient is not finite");
  }
  for (int64_t i = 0; i < update.optimizer_steps + update.skipped_steps; ++i) {
    RETURN_IF_ERROR(skips_.Add(i >= update.optimizer_steps));
  }
  return update;
}

absl::Status GrpoTrainer::PublishWeights() {
  const PhaseTimer timer(times_.sync);
  return generator_->PublishWeights(WithoutGradients(weights_), incarnation_, static_cast<uint64_t>(step_));
}

absl::Status GrpoTrainer::Evaluate(StepMetrics& metrics) {
  if (eval_rows_.empty()) return absl::OkStatus();
  std::vector<PromptVisit> prompts;
  for (const PromptRow& row : eval_rows_) prompts.push_back({&row, 0});
  ASSIGN_OR_RETURN(std::vector<RolloutGroup> rollouts,
                   Generate(prompts, 1, SeedDomain::kEval, GreedySampling(sampling_)));
  ASSIGN_OR_RETURN(std::vector<ScoredGroup> groups, Score(prompts, std::move(rollouts)));
  ASSIGN_OR_RETURN(const EvalReport report, JudgeAnswers(std::move(groups), config_.eval()));
  if (report.unscored > 0) {
    LogWarning("grpo", "evaluation after step ", step_, ": ", report.unscored, " of ", report.answers.size(),
               " answers have no score and do not count; the first says: ", report.first_message);
  }
  metrics.emplace_back(kAccuracy, report.accuracy);
  metrics.emplace_back("eval/completion_length", report.completion_length);
  return WriteEvalSamples(run_->path(), step_, report);
}

absl::Status GrpoTrainer::Record(const StepMetrics& metrics) {
  StepMetrics shown;
  for (const auto& metric : metrics) {
    const bool is_shown = std::find(std::begin(kShown), std::end(kShown), metric.first) != std::end(kShown);
    if (is_shown) shown.push_back(metric);
    if (metric.first == kAccuracy) {
      LogInfo("grpo", "after step ", step_, ": ", kAccuracy, " ", absl::StrFormat("%.4f", metric.second));
    }
  }
  progress_.Show(step_, shown);
  return metrics_->Write(step_, metrics);
}

absl::Status GrpoTrainer::StopForInterrupt() {
  if (step_ > saved_step_ || step_ == 0) RETURN_IF_ERROR(SaveCheckpoint());
  return absl::CancelledError(absl::StrCat("interrupted after step ", step_, " of ", config_.steps(),
                                           "; the state is saved in ", run_->path(), ", --resume goes on from it"));
}

absl::Status GrpoTrainer::StopForFailure(const absl::Status& failure) {
  if (updating_ || step_ <= saved_step_) return failure;
  if (const absl::Status saved = SaveCheckpoint(); !saved.ok()) {
    LogWarning("grpo", "step ", step_, " cannot be saved: ", saved.message());
    return failure;
  }
  return absl::Status(failure.code(), absl::StrCat(failure.message(), "\nthe state after step ", step_,
                                                   " is saved, --resume goes on from it"));
}

bool GrpoTrainer::EvaluationIsDue() const {
  const int64_t every = config_.eval().every_steps();
  return step_ == config_.steps() || (every > 0 && step_ % every == 0);
}

bool GrpoTrainer::CheckpointIsDue() const {
  const int64_t every = config_.checkpoint().every_steps();
  return step_ == config_.steps() || (every > 0 && step_ % every == 0);
}

absl::Status GrpoTrainer::SaveCheckpoint() {
  TrainerState state;
  state.step = step_;
  state.values = ToJson(ResumePoint{.run = identity_,
                                    .position = position_,
                                    .skipped_steps = skips_.total(),
                                    .optimizer_steps = updater_.optimizer().steps()});
  state.values["incarnations"] = incarnation_count_ + 1;
  state.values["reference_digest"] = reference_digest_;
  state.tensors = updater_.optimizer().State();
  RETURN_IF_ERROR(run_->SaveCheckpoint(state, config_.checkpoint().keep(), [this](const std::string& folder) {
    return SaveWeights(WithoutGradients(weights_), folder, config_.model());
  }));
  saved_step_ = step_;
  return absl::OkStatus();
}

absl::Status GrpoTrainer::Restore(const TrainerState& state) {
  ASSIGN_OR_RETURN(const ResumePoint point, ReadResumePoint(state.values, identity_));
  ASSIGN_OR_RETURN(incarnation_count_, JsonInt(state.values, "incarnations", kStateFile));
  RETURN_IF_ERROR(updater_.optimizer().LoadState(state.tensors, point.optimizer_steps));
  skips_ = SkipLimit(point.skipped_steps);
  order_.Seek(point.position);
  position_ = point.position;
  step_ = saved_step_ = state.step;
  goes_on_ = true;
  return absl::OkStatus();
}

}  // namespace plumb
