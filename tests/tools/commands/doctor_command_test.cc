#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using ::testing::HasSubstr;

TEST(DoctorCommandTest, NamesWhatTheMachineOffers) {
  const plumb::testing::CommandResult result = Plumb({"doctor", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const absl::StatusOr<Json> report = ParseJson(result.output, "doctor");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GE((*report)["cores"].get<int>(), 1);
  EXPECT_THAT((*report)["memory"].get<std::string>(), HasSubstr("GiB"));
  EXPECT_THAT((*report)["ports"].get<std::string>(), HasSubstr("loopback works"));
  EXPECT_TRUE(report->contains("cuda"));
  EXPECT_THAT(Plumb({"doctor"}).output, HasSubstr("instruction_set"));
}

}  // namespace
}  // namespace plumb::cli
