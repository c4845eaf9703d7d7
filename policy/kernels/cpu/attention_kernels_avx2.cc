#include "policy/kernels/cpu/attention_kernels_of_isa.h"

namespace plumb::cpu {

const AttentionKernels kAttentionKernelsAvx2 = AttentionOf<Isa::kAvx2>::Table();

}  // namespace plumb::cpu
