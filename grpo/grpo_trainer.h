#ifndef PLUMB_GRPO_GRPO_TRAINER_H_
#define PLUMB_GRPO_GRPO_TRAINER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpo/evaluation.h"
#include "grpo/policy_updater.h"
#include "grpo/scored_group.h"
#include "grpo/step_metrics.h"
#include "policy/weights.h"
#include "proto/config.pb.h"
#include "reward/reward_client.h"
#include "rollout/generator.h"
#include "text/dataset.h"
#include "text/random_order.h"
#include "train/metrics_writer.h"
#include "train/progress.h"
#include "train/resume_point.h"
#include "train/run_folder.h"
#include "train/skip_limit.h"

namespace plumb {

inline constexpr char kGrpoStage[] = "grpo";

// What the loop works with.
struct GrpoParts {
  std::unique_ptr<RunFolder> run;
  std::unique_ptr<MetricsWriter> metrics;
  std::unique_ptr<Generator> generator;
  std::unique_ptr<RewardClient> reward;
  PolicyWeights weights;                   // to train
  std::optional<PolicyWeights> reference;  // where algorithm.kl_coef > 0
  std::vector<PromptRow> rows;             // not empty
  std::vector<PromptRow> eval_rows;        // empty: no evaluation
  int64_t num_ids = 0;                     // of the tokenizer: ids at or above it are never sampled; 0: all can be
  std::optional<TrainerState> resume;      // `weights` are those of this state
};

// Checks what can be checked before any process is started: enough rows, prompts that fit the model, and a state that
// belongs to this configuration, these rows and this reference policy.
// Errors: kInvalidArgument naming the row or field.
absl::Status CheckParts(const proto::GrpoConfig& config, const GrpoParts& parts);

// Group Relative Policy Optimization. Source: arXiv:2402.03300, algorithm 1 with one reference policy. Not thread-safe.
class GrpoTrainer {
 public:
  // `config` is resolved and passed CheckGrpoConfig().
  // Errors: those of CheckParts().
  static absl::StatusOr<std::unique_ptr<GrpoTrainer>> Create(const proto::GrpoConfig& config, GrpoParts parts);

  // Trains until `config.steps` steps are done, with evaluation, metrics, sample log and checkpoints on the way.
  // Errors: kCancelled after an interrupt; kUnavailable when more groups than reward.max_failed_share have no reward;
  // those of rollout, reward and files. Whatever ends the run, the last whole step is saved first.
  absl::Status Run();

  int64_t step() const { return step_; }
  const PolicyWeights& weights() const { return weights_; }

 private:
  GrpoTrainer(const proto::GrpoConfig& config, GrpoParts parts);
  absl::Status Restore(const TrainerState& state);

  // One step with its evaluation, where one is due, and its record.
  absl::Status TakeStep();
  // One rollout batch and its optimizer steps.
  absl::StatusOr<StepMetrics> Step();
  std::vector<PromptVisit> NextPrompts();
  absl::StatusOr<std::vector<RolloutGroup>> Generate(const std::vector<PromptVisit>& prompts, int64_t group_size,
                                                     SeedDomain domain, const SamplingOptions& sampling);
  absl::StatusOr<std::vector<ScoredGroup>> Score(const std::vector<PromptVisit>& prompts,
                                                 std::vector<RolloutGroup> rollouts);
  // Warns of completions without a reward, and fails where too many groups have none.
  absl::Status CheckRewards(const std::vector<ScoredGroup>& groups) const;
  absl::StatusOr<UpdateReport> Improve(const std::vector<ScoredGroup>& groups);
  absl::Status PublishWeights();

  // Adds eval/ keys to `metrics`.
  absl::Status Evaluate(StepMetrics& metrics);
  absl::Status Record(const StepMetrics& metrics);
  absl::Status SaveCheckpoint();
  absl::Status StopForInterrupt();
  absl::Status StopForFailure(const absl::Status& failure);
  bool EvaluationIsDue() const;
  bool CheckpointIsDue() const;

  const proto::GrpoConfig config_;
  const SamplingOptions sampling_;
  const std::unique_ptr<RunFolder> run_;
  const std::unique_ptr<MetricsWriter> metrics_;
  const std::unique_ptr<Generator> generator_;
  const std::unique_ptr<RewardClient> reward_;
  const std::vector<PromptRow> rows_;
  const std::vector<PromptRow> eval_rows_;
  PolicyWeights weights_;
  const std::optional<PolicyWeights> reference_;
  const RunIdentity identity_;          // written into every checkpoint
  const std::string reference_digest_;  // likewise; empty without a reference
  PolicyUpdater updater_;
  RandomOrder order_;

  int64_t step_ = 0;        // done
  int64_t position_ = 0;    // rows drawn by the steps that are done
  int64_t saved_step_ = 0;  // of the newest checkpoint
  bool goes_on_ = false;    // from a checkpoint
  bool updating_ = false;   // an update was begun and has not ended well: the weights are of no step
  SkipLimit skips_;
  int64_t incarnation_count_ = 0;  // how often the run was started before
  std::string incarnation_;        // names this start to the workers, which never meet its weights again
  StepTimes times_;                // of the step in progress
  Progress progress_;
};

}  // namespace plumb

#endif  // PLUMB_GRPO_GRPO_TRAINER_H_
