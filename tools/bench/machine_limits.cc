#include "tools/bench/machine_limits.h"

#include <ATen/Parallel.h>
#include <immintrin.h>

#include <atomic>
#include <chrono>
#include <functional>

#include "policy/kernels/cpu/parallel.h"

namespace plumb::cli {
namespace {

constexpr int kChains = 12;
constexpr int64_t kFmaSteps = 2'000'000;
constexpr int64_t kNumbersPerSum = 64;

double SecondsOf(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Each function is compiled for its instruction set and runs only where the machine has it. What it returns is there so
// that the work is not optimised away.
__attribute__((target("avx2,fma"))) float FmaChainsAvx2() {
  __m256 sums[kChains];
  for (int chain = 0; chain < kChains; ++chain) sums[chain] = _mm256_set1_ps(static_cast<float>(chain));
  const __m256 factor = _mm256_set1_ps(0.999f);
  const __m256 term = _mm256_set1_ps(0.001f);
  for (int64_t step = 0; step < kFmaSteps; ++step) {
#pragma GCC unroll 12
    for (int chain = 0; chain < kChains; ++chain) sums[chain] = _mm256_fmadd_ps(sums[chain], factor, term);
  }
  for (int chain = 1; chain < kChains; ++chain) sums[0] = _mm256_add_ps(sums[0], sums[chain]);
  return _mm256_cvtss_f32(sums[0]);
}

__attribute__((target("avx512f"))) float FmaChainsAvx512() {
  __m512 sums[kChains];
  for (int chain = 0; chain < kChains; ++chain) sums[chain] = _mm512_set1_ps(static_cast<float>(chain));
  const __m512 factor = _mm512_set1_ps(0.999f);
  const __m512 term = _mm512_set1_ps(0.001f);
  for (int64_t step = 0; step < kFmaSteps; ++step) {
#pragma GCC unroll 12
    for (int chain = 0; chain < kChains; ++chain) sums[chain] = _mm512_fmadd_ps(sums[chain], factor, term);
  }
  for (int chain = 1; chain < kChains; ++chain) sums[0] = _mm512_add_ps(sums[0], sums[chain]);
  return _mm512_cvtss_f32(sums[0]);
}

__attribute__((target("avx2"))) float SumOf(const float* from, int64_t count) {
  __m256 sums[8];
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  for (int64_t i = 0; i + kNumbersPerSum <= count; i += kNumbersPerSum) {
#pragma GCC unroll 8
    for (int part = 0; part < 8; ++part) sums[part] = _mm256_add_ps(sums[part], _mm256_loadu_ps(from + i + 8 * part));
  }
  for (int part = 1; part < 8; ++part) sums[0] = _mm256_add_ps(sums[0], sums[part]);
  return _mm256_cvtss_f32(sums[0]);
}

}  // namespace

std::vector<float> FarNumbers(int64_t count) {
  std::vector<float> numbers(count);
  for (int64_t i = 0; i < count; ++i) numbers[i] = static_cast<float>(i % 7) - 3.0f;
  return numbers;
}

double ReadBandwidth(const std::vector<float>& numbers) {
  std::atomic<float> kept{0};
  const int64_t count = static_cast<int64_t>(numbers.size());
  const double seconds = SecondsOf([&] {
    cpu::ParallelRanges(count, (count + at::get_num_threads() - 1) / at::get_num_threads(),
                        [&](int64_t begin, int64_t end) { kept = SumOf(numbers.data() + begin, end - begin); });
  });
  return static_cast<double>(count * static_cast<int64_t>(sizeof(float))) / seconds;
}

double FmaPeak(cpu::Isa isa) {
  std::atomic<float> kept{0};
  const int64_t threads = at::get_num_threads();
  const int64_t lanes = isa == cpu::Isa::kAvx512 ? 16 : 8;
  const double seconds = SecondsOf([&] {
    cpu::ParallelRanges(threads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) kept = isa == cpu::Isa::kAvx512 ? FmaChainsAvx512() : FmaChainsAvx2();
    });
  });
  return static_cast<double>(threads * kFmaSteps * kChains * lanes * 2) / seconds;
}

}  // namespace plumb::cli
