#include "tools/bench/fma_peak.h"

#include <gtest/gtest.h>

namespace plumb::cli {
namespace {

// No processor of these classes is outside of it, even when it is busy; a loop that the compiler took away would be.
TEST(FmaPeakTest, IsARateThatAProcessorCanHave) {
  for (const cpu::Isa isa : {cpu::Isa::kAvx2, cpu::Isa::kAvx512}) {
    if (!cpu::CpuSupports(isa)) continue;
    const double peak = MeasureFmaPeak(isa, 1);
    EXPECT_GT(peak, 1e8) << cpu::IsaName(isa);
    EXPECT_LT(peak, 1e12) << cpu::IsaName(isa);
  }
}

}  // namespace
}  // namespace plumb::cli
