#ifndef PLUMB_TESTS_POLICY_EXACTNESS_ROW_EXACTNESS_H_
#define PLUMB_TESTS_POLICY_EXACTNESS_ROW_EXACTNESS_H_

#include <ATen/core/Tensor.h>

#include <functional>

namespace plumb::testing {

// A function of N rows, row by row.
using RowFunction = std::function<at::Tensor(const at::Tensor& rows)>;

// Expects f(row) for a row alone and for the same row at each place of batches of 2, 3, 7, 16, 17, 64 and 128 rows,
// with 1 and 2 threads and each instruction-set class of the machine, to be the same to the bit. (Between classes bits
// may differ.)
//   rows  128 or more rows, the first is the one that is looked at
void ExpectRowsAreExact(const at::Tensor& rows, const RowFunction& f);

// Whether all bits are equal; not a number equals itself.
bool SameBits(const at::Tensor& a, const at::Tensor& b);

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_POLICY_EXACTNESS_ROW_EXACTNESS_H_
