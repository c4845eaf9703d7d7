#include "tools/bench/fma_peak.h"

#include <immintrin.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <vector>

#include "absl/time/clock.h"

namespace plumb::cli {
namespace {

// Two units with a latency of four or five cycles each are busy with ten chains or more.
constexpr int kChains = 12;
constexpr int64_t kSteps = 1 << 20;
constexpr int kRounds = 30;

// Only these two functions are compiled for their class; they call nothing.
__attribute__((target("avx2,fma"))) float RunAvx2() {
  __m256 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm256_set1_ps(static_cast<float>(i));
  const __m256 a = _mm256_set1_ps(0.999f);
  const __m256 b = _mm256_set1_ps(0.001f);
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = _mm256_fmadd_ps(sums[i], a, b);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm256_add_ps(sums[0], sums[i]);
  return _mm256_cvtss_f32(sums[0]);
}

__attribute__((target("avx512f"))) float RunAvx512() {
  __m512 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(static_cast<float>(i));
  const __m512 a = _mm512_set1_ps(0.999f);
  const __m512 b = _mm512_set1_ps(0.001f);
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = _mm512_fmadd_ps(sums[i], a, b);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  return _mm512_cvtss_f32(sums[0]);
}

// Of the calling thread. The best of some rounds: another program may hold the core meanwhile.
double BestRate(bool wide) {
  const double operations = 2.0 * kChains * kSteps * (wide ? 16 : 8);
  double best = 0.0;
  for (int round = 0; round < kRounds; ++round) {
    const absl::Time begin = absl::Now();
    const volatile float used = wide ? RunAvx512() : RunAvx2();
    static_cast<void>(used);
    best = std::max(best, operations / absl::ToDoubleSeconds(absl::Now() - begin));
  }
  return best;
}

}  // namespace

double MeasureFmaPeak(cpu::Isa isa, int threads) {
  const bool wide = isa == cpu::Isa::kAvx512;
  std::vector<double> rates(threads, 0.0);
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) workers.emplace_back([&rates, i, wide] { rates[i] = BestRate(wide); });
  for (std::thread& worker : workers) worker.join();
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace plumb::cli
