#include "policy/kernels/cpu/row_functions_kernel.h"

namespace plumb::cpu {

const RowFunctions kRowFunctionsAvx2 = MakeRowFunctions<Isa::kAvx2>();

}  // namespace plumb::cpu
