#include "policy/kernels/cpu/dot_product_kernel.h"

namespace plumb::cpu {

void DotBlockAvx512(const DotProduct& product, DotTypes types, const ResultBlock& block, float* scratch) {
  DotBlockOfTypes<Isa::kAvx512>(product, types, block, scratch);
}

}  // namespace plumb::cpu
