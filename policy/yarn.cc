#include "policy/yarn.h"

#include <algorithm>
#include <cmath>

namespace plumb {
namespace {

constexpr double kPi = 3.14159265358979323846;

// The (fractional) pair that turns `rotations` times over the original context.
double PairOfRotations(const RopeConfig& rope, double width, double rotations) {
  const double positions = static_cast<double>(rope.original_max_positions);
  return width * std::log(positions / (rotations * 2.0 * kPi)) / (2.0 * std::log(rope.theta));
}

}  // namespace

double YarnMscale(double factor, double m) { return factor <= 1.0 ? 1.0 : 0.1 * m * std::log(factor) + 1.0; }

std::vector<float> InverseFrequencies(const RopeConfig& rope, int64_t rope_head_dim) {
  const double width = static_cast<double>(rope_head_dim);
  double low = 0.0;
  double high = 0.0;
  if (rope.yarn) {
    low = PairOfRotations(rope, width, rope.beta_fast);
    high = PairOfRotations(rope, width, rope.beta_slow);
    if (rope.truncate) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, width - 1.0);
    if (low == high) high += 0.001;
  }
  std::vector<float> frequencies;
  for (int64_t pair = 0; pair < rope_head_dim / 2; ++pair) {
    const double plain = std::pow(rope.theta, -2.0 * static_cast<double>(pair) / width);
    const double ramp = rope.yarn ? std::clamp((static_cast<double>(pair) - low) / (high - low), 0.0, 1.0) : 0.0;
    frequencies.push_back(static_cast<float>(plain / rope.factor * ramp + plain * (1.0 - ramp)));
  }
  return frequencies;
}

double CosSinMultiplier(const RopeConfig& rope) {
  if (!rope.yarn) return 1.0;
  if (rope.attention_factor != 0.0) return rope.attention_factor;
  if (rope.mscale != 0.0 && rope.mscale_all_dim != 0.0) {
    return YarnMscale(rope.factor, rope.mscale) / YarnMscale(rope.factor, rope.mscale_all_dim);
  }
  return YarnMscale(rope.factor, 1.0);
}

}  // namespace plumb
