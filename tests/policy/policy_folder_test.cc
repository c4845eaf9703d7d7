#include "policy/policy_folder.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::testing::HasSubstr;
using testing::IsOkAndHolds;
using testing::StatusIs;

TEST(PolicyFolderTest, Devices) {
  EXPECT_THAT(ParseDevice("cpu"), IsOkAndHolds(at::Device(at::kCPU)));
  for (const char* text : {"gpu", "cuda:", "cuda:x", "cuda:-1", ""}) {
    EXPECT_THAT(ParseDevice(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected cpu, cuda")));
  }
  EXPECT_THAT(ParseDevice("cuda:99"), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cuda:99")));
}

TEST(PolicyFolderTest, Dtypes) {
  EXPECT_THAT(ParseDtype("float32"), IsOkAndHolds(at::kFloat));
  EXPECT_THAT(ParseDtype("bfloat16"), IsOkAndHolds(at::kBFloat16));
  EXPECT_THAT(ParseDtype("float16"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("float16")));
}

TEST(PolicyFolderTest, Threads) {
  const int before = at::get_num_threads();
  SetTensorThreads(1);
  EXPECT_EQ(at::get_num_threads(), 1);
  SetTensorThreads(before);
}

TEST(PolicyFolderTest, MissingFolderIsNamed) {
  EXPECT_THAT(LoadPolicyFolder("/nowhere/model", at::kFloat, at::kCPU),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/model")));
}

}  // namespace
}  // namespace plumb
