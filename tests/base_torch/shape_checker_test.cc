#include "base/shape_checker.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(ShapeCheckerTest, BindsALetterAtItsFirstUse) {
  ShapeChecker shapes;
  EXPECT_THAT(shapes.Check("logp", at::zeros({128}), "N", at::kFloat), IsOk());
  EXPECT_THAT(shapes.Check("kv", at::zeros({128, 576}), "N 576", at::kFloat), IsOk());
  EXPECT_THAT(shapes.Check("mask", at::zeros({64}, at::kBool), "N", at::kBool),
              StatusIs(kInvalid, "mask: dimension 0 (N) is 64, expected 128 from logp"));
}

TEST(ShapeCheckerTest, NamesWrongTypesAndRanks) {
  ShapeChecker shapes;
  EXPECT_THAT(shapes.Check("x", at::zeros({2}), "N", at::kLong),
              StatusIs(kInvalid, "x: has type Float, expected Long"));
  EXPECT_THAT(shapes.Check("x", at::zeros({2}), "N D", at::kFloat),
              StatusIs(kInvalid, "x: has 1 dimensions, expected 2 [N D]"));
  EXPECT_THAT(shapes.Check("x", at::zeros({2}), "3", at::kFloat),
              StatusIs(kInvalid, "x: dimension 0 (3) is 2, expected 3"));
  EXPECT_THAT(shapes.Check("x", at::Tensor(), "N", at::kFloat), StatusIs(kInvalid, "x: is missing"));
  EXPECT_THAT(shapes.Check("x", at::zeros({}), "", at::kFloat), IsOk());
}

}  // namespace
}  // namespace plumb
