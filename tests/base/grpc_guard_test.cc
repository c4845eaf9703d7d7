#include "base/grpc_guard.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "base/grpc_status.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

TEST(GrpcGuardTest, TurnsAnExceptionIntoAStatusThatNamesTheEntry) {
  EXPECT_THAT(GuardGrpcEntry("Score", []() -> absl::Status { throw std::runtime_error("secret"); }),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("Score")));
  EXPECT_THAT(GuardGrpcEntry("Score", [] { return absl::OkStatus(); }), IsOk());
}

TEST(GrpcStatusTest, EveryCodeComesBack) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "why");
    EXPECT_EQ(FromGrpcStatus(ToGrpcStatus(status)), status);
  }
  EXPECT_THAT(FromGrpcStatus(grpc::Status::OK), IsOk());
}

TEST(GrpcStatusTest, ACodeWithoutAMessageIsNamed) {
  EXPECT_THAT(FromGrpcStatus(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "")),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("UNIMPLEMENTED: this service is not served")));
  EXPECT_THAT(FromGrpcStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "")),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("UNAVAILABLE")));
}

}  // namespace
}  // namespace plumb
