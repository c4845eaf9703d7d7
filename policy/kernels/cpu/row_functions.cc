#include "policy/kernels/cpu/row_functions.h"

#include "policy/kernels/cpu/isa.h"

namespace plumb::cpu {

const RowFunctions& ActiveRowFunctions() {
  return ActiveIsa() == Isa::kAvx512 ? kRowFunctionsAvx512 : kRowFunctionsAvx2;
}

}  // namespace plumb::cpu
