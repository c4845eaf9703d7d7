#ifndef PLUMB_POLICY_KERNELS_CPU_TRANSPOSE_H_
#define PLUMB_POLICY_KERNELS_CPU_TRANSPOSE_H_

#include "policy/kernels/cpu/vec.h"

namespace plumb::cpu {

// Eight rows of eight numbers become columns. Both classes have registers of eight.
PLUMB_VEC void Transpose8(__m256 (&x)[8]) {
  __m256 pairs[8];
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
  }
  __m256 fours[8];
  for (int i = 0; i < 8; i += 4) {
    fours[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
    fours[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
    fours[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
    fours[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {
    x[i] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20);
    x[i + 4] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31);
  }
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_TRANSPOSE_H_
