#include "policy/kernels/cpu/row_functions_kernel.h"

namespace plumb::cpu {

const RowFunctions kRowFunctionsAvx512 = MakeRowFunctions<Isa::kAvx512>();

}  // namespace plumb::cpu
