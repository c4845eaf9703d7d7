#include "policy/kernels/rope.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "policy/kernels/custom_gradient.h"
#include "policy/yarn.h"

namespace plumb {
namespace {

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

RopeTable MakeRopeTable(const RopeConfig& rope, int64_t rope_head_dim, const at::Tensor& positions) {
  const at::Tensor frequencies = at::tensor(InverseFrequencies(rope, rope_head_dim), at::kFloat);
  const at::Tensor angles = positions.to(at::kFloat).unsqueeze(1) * frequencies.to(positions.device()).unsqueeze(0);
  const double multiplier = CosSinMultiplier(rope);
  RopeTable table{angles.cos(), angles.sin(), rope.interleaved};
  if (multiplier != 1.0) {
    table.cosines.mul_(multiplier);
    table.sines.mul_(multiplier);
  }
  return table;
}

at::Tensor ApplyRope(const at::Tensor& input, const RopeTable& table) {
  // A rotation's transpose is the rotation back.
  return WithGradient(Rotate(input, table, table.sines), {input}, [table](const at::Tensor& gradient) {
    return std::vector<at::Tensor>{Rotate(gradient, table, table.sines.neg())};
  });
}

}  // namespace plumb
