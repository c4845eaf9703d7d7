#include "tests/policy/exactness/each_isa.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "policy/kernels/cpu/select_isa.h"

namespace plumb::testing {

void ForEachIsa(const std::function<void(cpu::Isa isa)>& body) {
  const cpu::Isa before = cpu::ActiveIsa();
  for (const cpu::Isa isa : {cpu::Isa::kAvx2, cpu::Isa::kAvx512}) {
    if (!cpu::CpuSupports(isa)) continue;
    SCOPED_TRACE(cpu::IsaName(isa));
    ASSERT_TRUE(cpu::SelectIsa(cpu::IsaName(isa)).ok());
    body(isa);
  }
  ASSERT_TRUE(cpu::SelectIsa(cpu::IsaName(before)).ok());
}

void ForEachThreadCount(const std::function<void(int threads)>& body) {
  const int before = at::get_num_threads();
  for (const int threads : {1, 2}) {
    SCOPED_TRACE(threads);
    at::set_num_threads(threads);
    body(threads);
  }
  at::set_num_threads(before);
}

}  // namespace plumb::testing
