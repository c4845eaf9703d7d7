#include "train/learning_rate.h"

#include <algorithm>
#include <cmath>

namespace plumb {

double LearningRateAt(int64_t step, int64_t total_steps, const proto::OptimizerConfig& config) {
  const double peak = config.learning_rate();
  const int64_t warmup = config.warmup_steps();
  if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (config.schedule() == "constant" || total_steps <= warmup) return peak;
  const double done = static_cast<double>(step - warmup) / static_cast<double>(total_steps - warmup);
  const double progress = std::min(1.0, done);
  const double share = config.schedule() == "cosine" ? 0.5 * (1.0 + std::cos(M_PI * progress)) : 1.0 - progress;
  const double floor = config.min_learning_rate_ratio();
  return peak * (floor + (1.0 - floor) * share);
}

}  // namespace plumb
