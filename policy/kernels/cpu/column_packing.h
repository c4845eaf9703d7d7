#ifndef PLUMB_POLICY_KERNELS_CPU_COLUMN_PACKING_H_
#define PLUMB_POLICY_KERNELS_CPU_COLUMN_PACKING_H_

#include "policy/kernels/cpu/column_product.h"
#include "policy/kernels/cpu/transpose.h"
#include "policy/kernels/cpu/vec.h"

// How the two sides of a column product are copied to where its tiles read them one line after the other.
namespace plumb::cpu {

// Rows that a tile takes at most; its columns are two registers.
template <Isa isa>
inline constexpr int kColumnRows = isa == Isa::kAvx512 ? 12 : 6;
static_assert(kColumnRows<Isa::kAvx2> <= 8 && kColumnRows<Isa::kAvx512> <= 16, "a strip's rows fit into a register");

// The heights that tiles are compiled for; a strip takes the next larger one, its packed rows beyond are zero.
PLUMB_VEC int TileHeight(int64_t rows) {
  return rows <= 2 ? static_cast<int>(rows) : rows <= 4 ? 4 : rows <= 6 ? 6 : rows <= 8 ? 8 : 12;
}

// Rows of a block, cut into strips of nearly the same height.
struct Strips {
  int64_t rows;
  int64_t per_strip;
  int height;  // of a packed strip

  // Rows of the strip that begins at `row`.
  PLUMB_INLINE int HeightAt(int64_t row) const {
    return static_cast<int>(rows - row < per_strip ? rows - row : per_strip);
  }
};

// Inner indices first ... first + count - 1.
struct InnerRange {
  int64_t first;
  int64_t count;
};

// One strip of a matrix whose rows are dense, eight inner indices at a time. Rows from `rows` on are zero. What a store
// writes beyond the height is overwritten by the next one, or falls into the gap.
PLUMB_VEC void PackDenseStrip(const float* from, int64_t stride, int rows, int height, int64_t inner, float* to) {
  int64_t j = 0;
  for (; j + 8 <= inner; j += 8, to += 8 * height) {
    __m256 x[2][8];
    for (int first = 0; first < height; first += 8) {
      __m256(&eight)[8] = x[first / 8];
#pragma GCC unroll 8
      for (int r = 0; r < 8; ++r) {
        eight[r] = first + r < rows ? _mm256_loadu_ps(from + (first + r) * stride + j) : _mm256_setzero_ps();
      }
      Transpose8(eight);
    }
    for (int i = 0; i < 8; ++i) {
      for (int first = 0; first < height; first += 8) _mm256_storeu_ps(to + i * height + first, x[first / 8][i]);
    }
  }
  for (; j < inner; ++j, to += height) {
    for (int r = 0; r < height; ++r) to[r] = r < rows ? from[r * stride + j] : 0.0f;
  }
}

// Rows ahead that packing asks memory for: they lie far apart, where no processor expects them.
inline constexpr int64_t kRowsAhead = 8;

// The block's rows strip by strip, each as a tile reads it.
PLUMB_VEC void PackDenseRows(const float* from, int64_t stride, const Strips& strips, int64_t inner, float* to) {
  for (int64_t begin = 0; begin < strips.rows; begin += strips.per_strip, to += strips.height * inner + kCopyGap) {
    PackDenseStrip(from + begin * stride, stride, strips.HeightAt(begin), strips.height, inner, to);
  }
}

// The same where the columns are dense: all strips of one inner index after the other, for they lie on the same lines.
//   there  numbers of a column that can be read
template <Isa isa>
PLUMB_VEC void PackDenseColumns(const float* from, int64_t stride, int64_t there, const Strips& strips, int64_t inner,
                                float* to) {
  using V = Vec<isa>;
  for (int64_t j = 0; j < inner; ++j, from += stride, to += strips.height) {
    float* strip = to;
    for (int64_t begin = 0; begin < strips.rows; begin += strips.per_strip, strip += strips.height * inner + kCopyGap) {
      _mm_prefetch(reinterpret_cast<const char*>(from + kRowsAhead * stride + begin), _MM_HINT_T0);
      const int rows = strips.HeightAt(begin);
      const bool whole = rows == strips.height && begin + V::kLanes <= there;
      V::Store(strip, whole ? V::Load(from + begin) : V::LoadTail(from + begin, rows));
    }
  }
}

template <Isa isa>
PLUMB_VEC void PackRows(const ColumnProduct& p, int64_t row, const Strips& strips, InnerRange inner, float* to) {
  const float* from = p.a + row * p.a_row_stride + inner.first * p.a_inner_stride;
  if (p.a_row_stride == 1) return PackDenseColumns<isa>(from, p.a_inner_stride, p.rows - row, strips, inner.count, to);
  PackDenseRows(from, p.a_row_stride, strips, inner.count, to);
}

// The columns of a tile that reads packed ones.
inline constexpr int kPanelRegisters = 2;
template <Isa isa>
inline constexpr int kPanelColumns = kPanelRegisters* Vec<isa>::kLanes;

// The block's columns panel by panel, all panels of one inner index after the other, for they lie on the same lines.
template <Isa isa, typename B>
PLUMB_VEC void PackPanels(const B* from, int64_t stride, int64_t columns, int64_t inner, float* to) {
  using V = Vec<isa>;
  for (int64_t j = 0; j < inner; ++j, from += stride, to += kPanelColumns<isa>) {
    float* panel = to;
    int64_t column = 0;
    for (; column + kPanelColumns<isa> <= columns; column += kPanelColumns<isa>) {
      for (int i = 0; i < kPanelColumns<isa>; i += 64 / sizeof(B)) {
        _mm_prefetch(reinterpret_cast<const char*>(from + kRowsAhead * stride + column + i), _MM_HINT_T0);
      }
#pragma GCC unroll 2
      for (int i = 0; i < kPanelColumns<isa>; i += V::kLanes) V::Store(panel + i, V::Load(from + column + i));
      panel += inner * kPanelColumns<isa> + kCopyGap;
    }
    for (; column < columns; column += V::kLanes, panel += V::kLanes) {
      const int64_t left = columns - column;
      V::Store(panel, left < V::kLanes ? V::LoadTail(from + column, static_cast<int>(left)) : V::Load(from + column));
    }
  }
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_COLUMN_PACKING_H_
