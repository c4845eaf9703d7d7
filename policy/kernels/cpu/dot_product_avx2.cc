#include "policy/kernels/cpu/dot_product_kernel.h"

namespace plumb::cpu {

void DotBlockAvx2(const DotProduct& product, DotTypes types, const ResultBlock& block, float* scratch) {
  DotBlockOfTypes<Isa::kAvx2>(product, types, block, scratch);
}

}  // namespace plumb::cpu
