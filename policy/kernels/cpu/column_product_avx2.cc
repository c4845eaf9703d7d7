#include "policy/kernels/cpu/column_product_kernel.h"

namespace plumb::cpu {

void ColumnBlockAvx2(const ColumnProduct& product, FloatType type, const ResultBlock& block, float* scratch) {
  ColumnBlockOfType<Isa::kAvx2>(product, type, block, scratch);
}

}  // namespace plumb::cpu
