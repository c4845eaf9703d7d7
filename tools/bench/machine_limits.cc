#include "tools/bench/machine_limits.h"

#include <ATen/Parallel.h>
#include <immintrin.h>

#include <atomic>
#include <chrono>
#include <functional>

#include "policy/kernels/cpu/parallel.h"

namespace plumb::cli {
namespace {

constexpr int64_t kNumbersPerSum = 64;

double SecondsOf(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Compiled for AVX2, which every machine of these kernels has. What it returns is there so that the work is not
// optimised away.
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

}  // namespace plumb::cli
