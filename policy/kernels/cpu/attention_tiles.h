#ifndef PLUMB_POLICY_KERNELS_CPU_ATTENTION_TILES_H_
#define PLUMB_POLICY_KERNELS_CPU_ATTENTION_TILES_H_

#include "policy/kernels/cpu/attention_kernels.h"
#include "policy/kernels/cpu/numerics.h"
#include "policy/kernels/cpu/vec.h"

// The two products of attention, as tiles of results that stay in registers. Each result is one chain of FMAs in
// ascending order of the inner index, so that the size of a tile changes no bit.
namespace plumb::cpu {

// How many results fit into the registers of a class.
template <Isa isa>
struct TileShape;

#if defined(__AVX512F__)
template <>
struct TileShape<Isa::kAvx512> {
  static constexpr int kKeysOfTwo = 12;  // by two registers of rows
  static constexpr int kKeysOfOne = 16;  // by one
  static constexpr int kRows = 8;        // by kColumns registers of columns
  static constexpr int kColumns = 3;
};
#else
template <>
struct TileShape<Isa::kAvx2> {
  static constexpr int kKeysOfTwo = 6;
  static constexpr int kKeysOfOne = 8;
  static constexpr int kRows = 4;
  static constexpr int kColumns = 3;
};
#endif

// scores[j][lane] = sum over w of keys[j][w] rows[w][lane]
struct LaneProduct {
  const float* keys;
  int64_t key_stride;
  int num_keys;
  int width;
  const float* rows;    // [width][kMaxChunkRows]
  float* scores;        // [num_keys][kMaxChunkRows]
  int64_t to_next = 0;  // as in KeyBlock
};

// Numbers of a cache line.
inline constexpr int kLineNumbers = 16;

template <Isa isa, int kKeys, int kVectors>
struct LaneTile {
  using V = Vec<isa>;

  static void Multiply(const LaneProduct& product, int first_key) {
    typename V::Float sums[kKeys][kVectors];
#pragma GCC unroll 16
    for (int j = 0; j < kKeys; ++j) {
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i) sums[j][i] = V::Zero();
    }
    const float* key = product.keys + first_key * product.key_stride;
    const int64_t stride = product.key_stride;
    const float* rows = product.rows;
    for (int w = 0; w < product.width; ++w) {
      if (product.to_next != 0 && w % kLineNumbers == 0) Prefetch(key + product.to_next, stride);
      typename V::Float row[kVectors];
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i) row[i] = V::Load(rows + i * V::kLanes);
#pragma GCC unroll 16
      for (int j = 0; j < kKeys; ++j) {
        const typename V::Float number = V::Set(key[j * stride]);
#pragma GCC unroll 2
        for (int i = 0; i < kVectors; ++i) sums[j][i] = V::Fma(number, row[i], sums[j][i]);
      }
      ++key;
      rows += kMaxChunkRows;
    }
    float* to = product.scores + first_key * kMaxChunkRows;
#pragma GCC unroll 16
    for (int j = 0; j < kKeys; ++j) {
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i) V::Store(to + j * kMaxChunkRows + i * V::kLanes, sums[j][i]);
    }
  }

  // The keys' lines in the next block: pages lie anywhere in memory, where no processor expects them.
  PLUMB_VEC void Prefetch(const float* key, int64_t stride) {
#pragma GCC unroll 16
    for (int j = 0; j < kKeys; ++j) _mm_prefetch(reinterpret_cast<const char*>(key + j * stride), _MM_HINT_T1);
  }

  // The last keys, fewer than a tile.
  static void MultiplyRest(const LaneProduct& product, int first_key) {
    if (product.num_keys - first_key == kKeys) {
      Multiply(product, first_key);
    } else if constexpr (kKeys > 1) {
      LaneTile<isa, kKeys - 1, kVectors>::MultiplyRest(product, first_key);
    }
  }
};

template <Isa isa>
static void MultiplyByLane(const LaneProduct& product, int num_rows) {
  using Shape = TileShape<isa>;
  int key = 0;
  if (num_rows > Vec<isa>::kLanes) {
    for (; key + Shape::kKeysOfTwo <= product.num_keys; key += Shape::kKeysOfTwo) {
      LaneTile<isa, Shape::kKeysOfTwo, 2>::Multiply(product, key);
    }
    LaneTile<isa, Shape::kKeysOfTwo - 1, 2>::MultiplyRest(product, key);
    return;
  }
  for (; key + Shape::kKeysOfOne <= product.num_keys; key += Shape::kKeysOfOne) {
    LaneTile<isa, Shape::kKeysOfOne, 1>::Multiply(product, key);
  }
  LaneTile<isa, Shape::kKeysOfOne - 1, 1>::MultiplyRest(product, key);
}

// kRows rows by kColumns registers of columns; the last register has `tail` columns where kTail says so.
template <Isa isa, int kRows, int kColumns, bool kTail>
struct WeightedTile {
  using V = Vec<isa>;

  PLUMB_VEC typename V::Float LoadColumns(const float* from, int i, int tail) {
    if (kTail && i == kColumns - 1) return V::LoadTail(from + i * V::kLanes, tail);
    return V::Load(from + i * V::kLanes);
  }

  static void Multiply(const WeightedSum& product, int first_row, int first_column, int tail) {
    typename V::Float sums[kRows][kColumns];
    float* y = product.y + first_row * product.y_stride + first_column;
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
      for (int i = 0; i < kColumns; ++i) {
        sums[m][i] = product.from_zero ? V::Zero() : LoadColumns(y + m * product.y_stride, i, tail);
        if (product.factors != nullptr) sums[m][i] = V::Mul(sums[m][i], V::Set(product.factors[first_row + m]));
      }
    }
    const float* a = product.a + first_row * product.row_stride;
    const float* b = product.b + first_column;
    for (int64_t k = 0; k < product.inner; ++k) {
      typename V::Float column[kColumns];
#pragma GCC unroll 8
      for (int i = 0; i < kColumns; ++i) column[i] = LoadColumns(b, i, tail);
#pragma GCC unroll 8
      for (int m = 0; m < kRows; ++m) {
        const typename V::Float number = V::Set(a[m * product.row_stride]);
#pragma GCC unroll 8
        for (int i = 0; i < kColumns; ++i) sums[m][i] = V::Fma(number, column[i], sums[m][i]);
      }
      a += product.inner_stride;
      b += product.b_stride;
    }
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
      for (int i = 0; i < kColumns; ++i) {
        float* to = y + m * product.y_stride + i * V::kLanes;
        if (kTail && i == kColumns - 1) {
          V::StoreTail(to, sums[m][i], tail);
        } else {
          V::Store(to, sums[m][i]);
        }
      }
    }
  }

  static void MultiplyRest(const WeightedSum& product, int first_row, int first_column, int tail) {
    if (product.rows - first_row == kRows) {
      Multiply(product, first_row, first_column, tail);
    } else if constexpr (kRows > 1) {
      WeightedTile<isa, kRows - 1, kColumns, kTail>::MultiplyRest(product, first_row, first_column, tail);
    }
  }

  // All rows of these columns.
  static void MultiplyRows(const WeightedSum& product, int first_column, int tail) {
    int row = 0;
    for (; row + kRows <= product.rows; row += kRows) Multiply(product, row, first_column, tail);
    if constexpr (kRows > 1) {
      WeightedTile<isa, kRows - 1, kColumns, kTail>::MultiplyRest(product, row, first_column, tail);
    }
  }
};

template <Isa isa>
static void SumWeighted(const WeightedSum& product) {
  using Shape = TileShape<isa>;
  constexpr int kLanes = Vec<isa>::kLanes;
  int column = 0;
  for (; column + Shape::kColumns * kLanes <= product.columns; column += Shape::kColumns * kLanes) {
    WeightedTile<isa, Shape::kRows, Shape::kColumns, false>::MultiplyRows(product, column, 0);
  }
  for (; column + 2 * kLanes <= product.columns; column += 2 * kLanes) {
    WeightedTile<isa, Shape::kRows, 2, false>::MultiplyRows(product, column, 0);
  }
  for (; column + kLanes <= product.columns; column += kLanes) {
    WeightedTile<isa, Shape::kRows, 1, false>::MultiplyRows(product, column, 0);
  }
  if (column < product.columns) {
    WeightedTile<isa, Shape::kRows, 1, true>::MultiplyRows(product, column, product.columns - column);
  }
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ATTENTION_TILES_H_
