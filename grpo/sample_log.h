#ifndef PLUMB_GRPO_SAMPLE_LOG_H_
#define PLUMB_GRPO_SAMPLE_LOG_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "grpo/evaluation.h"
#include "grpo/scored_group.h"

// The sample log of a run folder: rollouts/step-000012.jsonl with every completion of a step, and
// rollouts/eval-000012.jsonl with every held-out answer after it. docs/metrics.md lists the keys.
namespace plumb {

// JSON lines, one per completion.
std::string StepLines(int64_t step, absl::Span<const ScoredGroup> groups);
std::string EvalLines(int64_t step, const EvalReport& report);

absl::Status WriteStepSamples(const std::string& run_folder, int64_t step, absl::Span<const ScoredGroup> groups);
absl::Status WriteEvalSamples(const std::string& run_folder, int64_t step, const EvalReport& report);

// Removes the files of steps after `step`, which a resumed run makes again.
absl::Status CutSampleLog(const std::string& run_folder, int64_t step);

}  // namespace plumb

#endif  // PLUMB_GRPO_SAMPLE_LOG_H_
