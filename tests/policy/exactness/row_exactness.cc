#include "tests/policy/exactness/row_exactness.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/policy/exactness/each_isa.h"

namespace plumb::testing {
namespace {

// The probe at `place`, other rows around it.
at::Tensor Batch(const at::Tensor& rows, int64_t size, int64_t place) {
  const at::Tensor before = rows.narrow(0, 1, place);
  const at::Tensor after = rows.narrow(0, 1 + place, size - 1 - place);
  return at::cat({before, rows.narrow(0, 0, 1), after}, 0);
}

int64_t CountWrongPlaces(const at::Tensor& rows, int64_t size, const at::Tensor& alone, const RowFunction& f) {
  int64_t wrong = 0;
  for (int64_t place = 0; place < size; ++place) {
    if (!SameBits(f(Batch(rows, size, place)).narrow(0, place, 1), alone)) ++wrong;
  }
  return wrong;
}

}  // namespace

bool SameBits(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor left = a.contiguous();
  const at::Tensor right = b.contiguous();
  return left.sizes() == right.sizes() && left.scalar_type() == right.scalar_type() &&
         std::memcmp(left.const_data_ptr(), right.const_data_ptr(), left.nbytes()) == 0;
}

void ExpectRowsAreExact(const at::Tensor& rows, const RowFunction& f) {
  ForEachIsa([&](cpu::Isa isa) {
    at::Tensor alone;
    ForEachThreadCount([&](int threads) {
      if (!alone.defined()) alone = f(rows.narrow(0, 0, 1)).clone();
      for (const int64_t size : {1, 2, 3, 7, 16, 17, 64, 128}) {
        EXPECT_EQ(CountWrongPlaces(rows, size, alone, f), 0) << "batches of " << size << ", " << threads << " threads";
      }
    });
  });
}

}  // namespace plumb::testing
