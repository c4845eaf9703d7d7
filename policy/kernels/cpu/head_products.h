#ifndef PLUMB_POLICY_KERNELS_CPU_HEAD_PRODUCTS_H_
#define PLUMB_POLICY_KERNELS_CPU_HEAD_PRODUCTS_H_

#include <cstdint>

#include "policy/kernels/cpu/attention_kernels.h"

namespace plumb::cpu {

// output[n, h] = input[n, h] * matrices[h]. Strides count elements; all arrays have one type.
struct HeadProducts {
  FloatType type = FloatType::kFloat32;
  int64_t num_tokens = 0;          // N
  int64_t num_heads = 0;           // H
  int64_t inner = 0;               // a
  int64_t columns = 0;             // b
  const void* input = nullptr;     // [N, H, a], the last dimension dense
  int64_t token_stride = 0;        // of the input
  int64_t head_stride = 0;         // of the input
  const void* matrices = nullptr;  // [H, a, b]
  int64_t matrix_stride = 0;       // from one head to the next
  int64_t inner_stride = 0;        // along a; this or the next is 1
  int64_t column_stride = 0;       // along b
  void* output = nullptr;          // [N, H, b], dense
};

// Row-exact: each result is one chain of FMAs over a, ascending, whatever the number of tokens.
void RunHeadProducts(const HeadProducts& products);

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_HEAD_PRODUCTS_H_
