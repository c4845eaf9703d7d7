#include "policy/kernels/cpu/select_isa.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/testing/status_matchers.h"

namespace plumb::cpu {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

const std::vector<Isa> kBoth = {Isa::kAvx2, Isa::kAvx512};

TEST(SelectIsaTest, TheBestClassUnlessOneIsNamed) {
  EXPECT_THAT(ChooseIsa("auto", kBoth), IsOkAndHolds(Isa::kAvx512));
  EXPECT_THAT(ChooseIsa("", {Isa::kAvx2}), IsOkAndHolds(Isa::kAvx2));
  EXPECT_THAT(ChooseIsa("avx2", kBoth), IsOkAndHolds(Isa::kAvx2));
}

TEST(SelectIsaTest, AnUnknownNameListsTheKnownOnes) {
  EXPECT_THAT(ChooseIsa("sse9", kBoth), StatusIs(absl::StatusCode::kInvalidArgument,
                                                 HasSubstr("no instruction set 'sse9'; expected auto, avx2, avx512")));
}

TEST(SelectIsaTest, AProcessorWithoutTheClassSaysWhatItHas) {
  EXPECT_THAT(ChooseIsa("avx512", {Isa::kAvx2}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cannot run avx512; it has avx2")));
  EXPECT_THAT(ChooseIsa("auto", {}), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no AVX2")));
}

// Puts back what the rest of the test binary runs with.
class SelectIsaEnvironmentTest : public ::testing::Test {
 protected:
  SelectIsaEnvironmentTest() : before_(ActiveIsa()) {
    if (const char* value = std::getenv(kIsaVariable)) value_ = value;
  }
  ~SelectIsaEnvironmentTest() override {
    unsetenv(kIsaVariable);
    if (!value_.empty()) setenv(kIsaVariable, value_.c_str(), 1);
    EXPECT_THAT(SelectIsa(IsaName(before_)), IsOk());
  }

 private:
  const Isa before_;
  std::string value_;
};

TEST_F(SelectIsaEnvironmentTest, TheOptionGoesBeforeTheVariable) {
  setenv(kIsaVariable, "nonsense", 1);
  EXPECT_THAT(SelectIsa("avx2"), IsOk());
  EXPECT_EQ(ActiveIsa(), Isa::kAvx2);
  EXPECT_THAT(SelectIsa("auto"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("PLUMB_ISA: no instruction")));
  setenv(kIsaVariable, "avx2", 1);
  EXPECT_THAT(SelectIsa("auto"), IsOk());
  EXPECT_EQ(ActiveIsa(), Isa::kAvx2);
}

TEST_F(SelectIsaEnvironmentTest, EveryClassOfTheMachineCanBeSelected) {
  unsetenv(kIsaVariable);
  for (const Isa isa : kBoth) {
    if (!CpuSupports(isa)) continue;
    EXPECT_THAT(SelectIsa(IsaName(isa)), IsOk());
    EXPECT_EQ(ActiveIsa(), isa);
  }
}

}  // namespace
}  // namespace plumb::cpu
