#ifndef PLUMB_POLICY_YARN_H_
#define PLUMB_POLICY_YARN_H_

#include <cstdint>
#include <vector>

#include "policy/model_config.h"

namespace plumb {

// YaRN's attention multiplier 0.1 * m * ln(factor) + 1; 1 where factor is at most 1.
// Source: arXiv:2309.00071, section 3.4, with DeepSeek's weight m.
double YarnMscale(double factor, double m);

// The angle per position of each rotary pair, in radians: [Dr / 2]. Fast pairs keep theta^(-2i/Dr), slow ones are
// divided by `factor`, those between are mixed by a linear ramp.
// Source: arXiv:2309.00071, section 3.2.
std::vector<float> InverseFrequencies(const RopeConfig& rope, int64_t rope_head_dim);

// What cosines and sines are multiplied by: the ratio of two mscales; 1 without YaRN and in every published model.
double CosSinMultiplier(const RopeConfig& rope);

}  // namespace plumb

#endif  // PLUMB_POLICY_YARN_H_
