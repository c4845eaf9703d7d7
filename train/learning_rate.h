#ifndef PLUMB_TRAIN_LEARNING_RATE_H_
#define PLUMB_TRAIN_LEARNING_RATE_H_

#include <cstdint>

#include "proto/config.pb.h"

namespace plumb {

// The learning rate of a step.
//
//   step         from 0
//   total_steps  of the run
//   returns      learning_rate * (step + 1) / warmup_steps during the warm-up, then constant, or linear or cosine from
//                the peak down to min_learning_rate_ratio * peak at total_steps
double LearningRateAt(int64_t step, int64_t total_steps, const proto::OptimizerConfig& config);

}  // namespace plumb

#endif  // PLUMB_TRAIN_LEARNING_RATE_H_
