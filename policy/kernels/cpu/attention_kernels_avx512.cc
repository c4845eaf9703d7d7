#include "policy/kernels/cpu/attention_kernels_of_isa.h"

namespace plumb::cpu {

const AttentionKernels kAttentionKernelsAvx512 = AttentionOf<Isa::kAvx512>::Table();

}  // namespace plumb::cpu
