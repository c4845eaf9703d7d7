#include "policy/kernels/rope.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/custom_gradient.h"
#include "policy/yarn.h"

namespace plumb {
namespace {

constexpr int64_t kPositionsPerTask = 64;

at::Tensor Rotate(const at::Tensor& input, const RopeTable& table, const at::Tensor& sines) {
  const at::NoGradGuard no_grad;
  const int64_t pairs = input.size(2) / 2;
  const at::Tensor x = input.to(at::kFloat);
  const at::Tensor split = table.interleaved ? x.unflatten(2, {pairs, 2}) : x.unflatten(2, {2, pairs}).transpose(2, 3);
  const at::Tensor first = split.select(3, 0);
  const at::Tensor second = split.select(3, 1);
  const at::Tensor cosines = table.cosines.unsqueeze(1);
  const at::Tensor sine = sines.unsqueeze(1);
  const at::Tensor low = first * cosines - second * sine;
  const at::Tensor high = first * sine + second * cosines;
  const at::Tensor rotated = table.interleaved ? at::stack({low, high}, 3) : at::stack({low, high}, 2);
  return rotated.flatten(2).to(input.scalar_type());
}

}  // namespace

void FillRopeTable(const RopeAngles& angles, int64_t begin, int64_t end) {
  const int64_t pairs = static_cast<int64_t>(angles.frequencies.size());
  // One element at a time: vector libraries may round an angle differently at another place of a batch.
  for (int64_t i = begin * pairs; i < end * pairs; ++i) {
    const float angle = static_cast<float>(angles.positions[i / pairs]) * angles.frequencies[i % pairs];
    angles.cosines[i] = static_cast<float>(std::cos(static_cast<double>(angle)) * angles.multiplier);
    angles.sines[i] = static_cast<float>(std::sin(static_cast<double>(angle)) * angles.multiplier);
  }
}

RopeTable MakeRopeTable(const RopeConfig& rope, int64_t rope_head_dim, const at::Tensor& positions) {
  const std::vector<float> frequencies = InverseFrequencies(rope, rope_head_dim);
  const at::Tensor host_positions = positions.cpu().contiguous();
  const int64_t pairs = static_cast<int64_t>(frequencies.size());
  const at::Tensor cosines = at::empty({positions.size(0), pairs}, at::kFloat);
  const at::Tensor sines = at::empty({positions.size(0), pairs}, at::kFloat);
  const RopeAngles angles = {host_positions.const_data_ptr<int64_t>(), frequencies, CosSinMultiplier(rope),
                             cosines.mutable_data_ptr<float>(), sines.mutable_data_ptr<float>()};
  cpu::ParallelRanges(positions.size(0), kPositionsPerTask,
                      [&](int64_t begin, int64_t end) { FillRopeTable(angles, begin, end); });
  return {cosines.to(positions.device()), sines.to(positions.device()), rope.interleaved};
}

at::Tensor ApplyRope(const at::Tensor& input, const RopeTable& table) {
  // A rotation's transpose is the rotation back.
  return WithGradient(Rotate(input, table, table.sines), {input}, [table](const at::Tensor& gradient) {
    return std::vector<at::Tensor>{Rotate(gradient, table, table.sines.neg())};
  });
}

}  // namespace plumb
