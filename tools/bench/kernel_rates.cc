#include "tools/bench/kernel_rates.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>

#include "policy/kernels/cpu/isa.h"
#include "policy/kernels/matrix_product.h"
#include "tools/bench/fma_peak.h"
#include "tools/bench/machine_limits.h"

namespace plumb::cli {
namespace {

constexpr int64_t kFarCount = int64_t{1} << 26;  // 256 MiB: no cache has them
// Products with weights in a cache are timed as the FMA peak is (tools/bench/fma_peak.cc): in bursts of a millisecond,
// of which the best counts. Those that read memory are timed once a round, as the bandwidth is.
constexpr double kFlopsPerBurst = 2e8;
constexpr int kBursts = 20;

struct Timed {
  ProductCase product;
  at::Tensor x;  // [rows, depth]
  at::Tensor w;  // [columns, depth]
  std::vector<double> seconds;
};

Timed MakeCase(const ProductCase& product) {
  const at::TensorOptions options = at::TensorOptions().dtype(product.bfloat16 ? at::kBFloat16 : at::kFloat);
  return {product,
          at::rand({product.rows, product.depth}, options),
          at::full({product.columns, product.depth}, 0.01, options),
          {}};
}

double Flops(const ProductCase& product) {
  return 2.0 * static_cast<double>(product.rows) * static_cast<double>(product.columns) *
         static_cast<double>(product.depth);
}

double WeightBytes(const ProductCase& product) {
  return static_cast<double>(product.columns * product.depth) * (product.bfloat16 ? 2.0 : 4.0);
}

// Of each of `repeats` products.
double BurstSeconds(const Timed& timed, int64_t repeats) {
  const auto begin = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < repeats; ++i) TimesTransposed(timed.x, timed.w, {}, timed.w.scalar_type());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  return seconds.count() / static_cast<double>(repeats);
}

double SecondsPerProduct(const Timed& timed) {
  if (WeightBytes(timed.product) > 64e6) return BurstSeconds(timed, 1);
  const int64_t repeats = std::max<int64_t>(1, static_cast<int64_t>(kFlopsPerBurst / Flops(timed.product)));
  double best = BurstSeconds(timed, repeats);
  for (int burst = 1; burst < kBursts; ++burst) best = std::min(best, BurstSeconds(timed, repeats));
  return best;
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

Json CaseJson(const Timed& timed, double bandwidth, double peak) {
  const double seconds = Median(timed.seconds);
  Json json;
  json["name"] = timed.product.name;
  json["rows"] = timed.product.rows;
  json["columns"] = timed.product.columns;
  json["depth"] = timed.product.depth;
  json["type"] = timed.product.bfloat16 ? "bfloat16" : "float32";
  json["seconds"] = seconds;
  json["gigabytes_per_second"] = WeightBytes(timed.product) / seconds / 1e9;
  json["share_of_read_bandwidth"] = WeightBytes(timed.product) / seconds / bandwidth;
  json["gflops"] = Flops(timed.product) / seconds / 1e9;
  json["share_of_fma_peak"] = Flops(timed.product) / seconds / peak;
  return json;
}

}  // namespace

std::vector<ProductCase> KernelCases() {
  return {{"C1 streaming", 1, 32768, 2048},           {"C1 streaming", 2, 32768, 2048},
          {"C1 streaming", 4, 32768, 2048},           {"C2 weights in memory", 64, 32768, 2048},
          {"C2 weights in memory", 256, 32768, 2048}, {"C2 weights in a cache", 64, 1024, 1024},
          {"C2 weights in a cache", 256, 1024, 1024}, {"C2 weights in a cache", 512, 384, 256}};
}

Json MeasureKernels(const std::vector<ProductCase>& cases, int64_t rounds) {
  const cpu::Isa isa = cpu::ActiveIsa();
  const std::vector<float> far = FarNumbers(kFarCount);
  std::vector<Timed> timed;
  for (const ProductCase& product : cases) timed.push_back(MakeCase(product));
  std::vector<double> bandwidths, peaks;
  for (int64_t round = 0; round <= rounds; ++round) {
    const double bandwidth = ReadBandwidth(far);
    const double peak = MeasureFmaPeak(isa, at::get_num_threads());
    for (Timed& one : timed) {
      const double seconds = SecondsPerProduct(one);
      if (round > 0) one.seconds.push_back(seconds);
    }
    if (round == 0) continue;  // pages and caches are warm now
    bandwidths.push_back(bandwidth);
    peaks.push_back(peak);
  }
  Json json;
  json["isa"] = cpu::IsaName(isa);
  json["threads"] = at::get_num_threads();
  json["read_gigabytes_per_second"] = Median(bandwidths) / 1e9;
  json["fma_gflops"] = Median(peaks) / 1e9;
  json["cases"] = Json::array();
  for (const Timed& one : timed) json["cases"].push_back(CaseJson(one, Median(bandwidths), Median(peaks)));
  return json;
}

}  // namespace plumb::cli
