#include "tools/exit_code.h"

#include <gmock/gmock.h>

namespace plumb::cli {
namespace {

TEST(ExitCodeTest, TellsUsageEnvironmentAndFailureApart) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeOf(absl::InternalError("x")), 1);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("a worker is gone")), 1);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("x")), 2);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("x")), 2);
  EXPECT_EQ(ExitCodeOf(absl::ResourceExhaustedError("disk full")), 3);
  EXPECT_EQ(ExitCodeOf(EnvironmentError(absl::UnavailableError("port taken"))), 3);
  EXPECT_EQ(ExitCodeOf(absl::CancelledError("x")), 130);
}

TEST(ExitCodeTest, MarkingKeepsCodeAndMessage) {
  const absl::Status status = EnvironmentError(absl::UnavailableError("port taken"));
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(), "port taken");
  EXPECT_TRUE(EnvironmentError(absl::OkStatus()).ok());
}

TEST(ExitCodeTest, ANamedFileThatIsDamagedIsUsage) {
  const absl::Status damaged = absl::DataLossError("model.safetensors: is truncated");
  EXPECT_EQ(ExitCodeOf(damaged), 1);
  EXPECT_EQ(ExitCodeOf(NamedFileError(damaged)), 2);
  EXPECT_EQ(NamedFileError(damaged).message(), damaged.message());
  EXPECT_EQ(NamedFileError(absl::UnavailableError("x")), absl::UnavailableError("x"));
  EXPECT_TRUE(NamedFileError(absl::OkStatus()).ok());
}

}  // namespace
}  // namespace plumb::cli
