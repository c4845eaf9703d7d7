#include "train/run_machine.h"

#include <ATen/Parallel.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const RunMachine kMachine = {"avx2", 2, "2.11.0"};

absl::Status Check(const RunMachine& here, bool allow_other = false) {
  return CheckMachine({{"machine", ToJson(kMachine)}}, here, allow_other, "sft");
}

TEST(RunMachineTest, TheSameMachineGoesOn) { EXPECT_THAT(Check(kMachine), IsOk()); }

TEST(RunMachineTest, AnotherOneIsRefusedWithBothValuesAndAWayOn) {
  EXPECT_THAT(
      Check({"avx512", 4, "2.12.0"}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("instruction set avx2, now avx512 (compute.isa)"),
                     HasSubstr("2 threads, now 4 (compute.threads)"), HasSubstr("LibTorch 2.11.0, now 2.12.0"),
                     HasSubstr("--set compute.threads=2 --set compute.isa=avx2"), HasSubstr("--allow-other-machine"))));
  EXPECT_THAT(Check({"avx2", 4, "2.11.0"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("with 2 threads, now 4"), Not(HasSubstr("instruction set")))));
}

TEST(RunMachineTest, AnotherOneMayBeAllowed) { EXPECT_THAT(Check({"avx512", 4, "2.12.0"}, true), IsOk()); }

TEST(RunMachineTest, CheckpointsOfEarlierVersionsGoOn) {
  EXPECT_THAT(CheckMachine({{"seed", 3}}, kMachine, false, "sft"), IsOk());
}

TEST(RunMachineTest, AMissingMemberIsNamed) {
  EXPECT_THAT(CheckMachine({{"machine", {{"isa", "avx2"}}}}, kMachine, false, "sft"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("threads")));
}

TEST(RunMachineTest, ThisOneHasTheThreadsThatAreSet) {
  const int before = at::get_num_threads();
  at::set_num_threads(3);
  const RunMachine machine = ThisMachine("avx2");
  at::set_num_threads(before);
  EXPECT_EQ(machine.threads, 3);
  EXPECT_THAT(machine.libtorch, HasSubstr("."));
}

}  // namespace
}  // namespace plumb
