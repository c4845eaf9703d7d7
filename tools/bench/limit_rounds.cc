#include "tools/bench/limit_rounds.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "base/check.h"
#include "policy/kernels/cpu/isa.h"
#include "tools/bench/fma_peak.h"
#include "tools/bench/machine_limits.h"

namespace plumb::cli {
namespace {

constexpr int64_t kFarCount = int64_t{1} << 26;  // 256 MiB: no cache has them

}  // namespace

LimitRounds::LimitRounds() : far_(FarNumbers(kFarCount)) { ReadBandwidth(far_); }

void LimitRounds::Measure() {
  bandwidths_.push_back(ReadBandwidth(far_));
  peaks_.push_back(MeasureFmaPeak(cpu::ActiveIsa(), at::get_num_threads()));
}

double LimitRounds::bytes_per_second() const { return MedianOf(bandwidths_); }
double LimitRounds::flops_per_second() const { return MedianOf(peaks_); }

Json LimitRounds::ToJson() const {
  Json json;
  json["isa"] = cpu::IsaName(cpu::ActiveIsa());
  json["threads"] = at::get_num_threads();
  json["read_gigabytes_per_second"] = bytes_per_second() / 1e9;
  json["fma_gflops"] = flops_per_second() / 1e9;
  return json;
}

Json LimitRounds::RateJson(double tokens, const std::vector<double>& seconds, const Work& work) const {
  const double median = MedianOf(seconds);
  const double least = LeastSeconds(work, bytes_per_second(), flops_per_second());
  Json json;
  json["tokens_per_second"] = tokens / median;
  json["bound_tokens_per_second"] = tokens / least;
  json["share_of_bound"] = least / median;
  json["share_of_fma_peak"] = work.flops / median / flops_per_second();
  json["share_of_read_bandwidth"] = work.bytes / median / bytes_per_second();
  json["median"] = median;
  json["seconds"] = seconds;
  return json;
}

double MedianOf(std::vector<double> values) {
  PLUMB_CHECK(!values.empty()) << "the median of nothing";
  std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace plumb::cli
