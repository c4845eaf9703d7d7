#include "base/torch_guard.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

TEST(TorchGuardTest, NamesTheOperationOfAnException) {
  EXPECT_THAT(CatchTorch("Add", [] { return absl::StatusOr<at::Tensor>(at::ones({2}) + at::ones({3})); }),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("Add: ")));
}

TEST(TorchGuardTest, PassesValuesAndStatusesThrough) {
  EXPECT_THAT(CatchTorch("Sum", []() -> absl::StatusOr<float> { return at::ones({2}).sum().item<float>(); }),
              IsOkAndHolds(2.0f));
  EXPECT_THAT(CatchTorch("Fail", []() -> absl::Status { return absl::NotFoundError("x"); }),
              StatusIs(absl::StatusCode::kNotFound, "x"));
}

TEST(TorchGuardTest, CallsOutOfMemoryByItsName) {
  EXPECT_THAT(CatchTorch("Allocate",
                         []() -> absl::Status {
                           at::empty({int64_t{1} << 60}, at::kByte);
                           return absl::OkStatus();
                         }),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("Allocate")));
}

}  // namespace
}  // namespace plumb
