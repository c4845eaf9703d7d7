#ifndef PLUMB_POLICY_KERNELS_CPU_DOT_TILE_H_
#define PLUMB_POLICY_KERNELS_CPU_DOT_TILE_H_

#include <cstdint>

#include "policy/kernels/cpu/dot_results.h"
#include "policy/kernels/cpu/vec.h"

// What dot products are made of, included by the sources of the instruction-set classes alone.
namespace plumb::cpu {

// One tile: kRows rows of x against four rows of w. Numerics: the dot product.
template <Isa isa, typename Weight, int kRows, int kAsk>
struct DotTile {
  using V = Vec<isa>;
  using Float = typename V::Float;

  const float* x;
  int64_t x_stride;
  const Weight* w[kDotColumns];
  // From these weights to those of the tile that comes next, in elements; kAsk rows of these, from `ask` on, are asked
  // from memory meanwhile.
  int64_t ahead;
  int ask;

  PLUMB_INLINE void Add(Float (&partial)[kRows][kDotColumns], int64_t d, int tail) {
    Float xs[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const float* from = x + r * x_stride + d;
      xs[r] = tail == 0 ? V::Load(from) : V::LoadTail(from, tail);
    }
#pragma GCC unroll 8
    for (int c = 0; c < kDotColumns; ++c) {
      const Float ws = tail == 0 ? V::Load(w[c] + d) : V::LoadTail(w[c] + d, tail);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) partial[r][c] = V::Fma(xs[r], ws, partial[r][c]);
    }
  }

  // The sums of one block of the depth, elements begin ... end - 1.
  PLUMB_INLINE void Run(int64_t begin, int64_t end, __m128 (&sums)[kRows]) {
    Float partial[kRows][kDotColumns];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < kDotColumns; ++c) partial[r][c] = V::Zero();
    }
    const Weight* asked[kAsk + 1];
#pragma GCC unroll 4
    for (int c = 0; c < kAsk; ++c) asked[c] = w[ask + c] + ahead;
    int64_t d = begin;
    for (; d + V::kLanes <= end; d += V::kLanes) {
#pragma GCC unroll 4
      for (int c = 0; c < kAsk; ++c) _mm_prefetch(reinterpret_cast<const char*>(asked[c] + d), _MM_HINT_T0);
      Add(partial, d, 0);
    }
    if (d < end) Add(partial, d, static_cast<int>(end - d));
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) sums[r] = V::Sum4(partial[r][0], partial[r][1], partial[r][2], partial[r][3]);
  }
};

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_DOT_TILE_H_
