#include "policy/kernels/cpu/column_product_kernel.h"

namespace plumb::cpu {

void ColumnBlockAvx512(const ColumnProduct& product, FloatType type, const ResultBlock& block, float* scratch) {
  ColumnBlockOfType<Isa::kAvx512>(product, type, block, scratch);
}

}  // namespace plumb::cpu
