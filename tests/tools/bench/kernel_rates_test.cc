#include "tools/bench/kernel_rates.h"

#include <gtest/gtest.h>

#include "policy/kernels/cpu/isa.h"

namespace plumb::cli {
namespace {

TEST(KernelRatesTest, RatesAndSharesFollowFromTheSeconds) {
  const Json result = MeasureKernels({{"small", 8, 32, 64}, {"half", 8, 32, 64, /*bfloat16=*/true}}, /*rounds=*/1);
  EXPECT_EQ(result["isa"], cpu::IsaName(cpu::ActiveIsa()));
  ASSERT_EQ(result["cases"].size(), 2u);
  for (const Json& one : result["cases"]) {
    const double seconds = one["seconds"];
    ASSERT_GT(seconds, 0);
    const double bytes = 32 * 64 * (one["type"] == "bfloat16" ? 2 : 4);
    EXPECT_NEAR(one["gigabytes_per_second"].get<double>() * seconds * 1e9 / bytes, 1.0, 1e-9);
    EXPECT_NEAR(one["gflops"].get<double>() * seconds * 1e9 / (2 * 8 * 32 * 64), 1.0, 1e-9);
    EXPECT_NEAR(one["share_of_fma_peak"].get<double>() * result["fma_gflops"].get<double>(), one["gflops"], 1e-6);
  }
}

TEST(KernelRatesTest, CasesOfTheTargets) {
  for (const ProductCase& product : KernelCases()) {
    const bool streaming = product.name.substr(0, 2) == "C1";
    EXPECT_TRUE(streaming ? product.rows <= 4 : product.rows >= 64) << product.name;
  }
}

}  // namespace
}  // namespace plumb::cli
