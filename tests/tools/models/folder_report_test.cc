#include "tools/models/folder_report.h"

#include <map>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb::cli {
namespace {

using plumb::testing::GoldenPath;
using plumb::testing::StatusIs;
using ::testing::HasSubstr;

TEST(FolderReportGoldenTest, NamesFamilySizesAndText) {
  ASSERT_OK_AND_ASSIGN(const FolderReport report, ReportFolder(GoldenPath("models/v3_fp32")));
  EXPECT_TRUE(report.problems.empty());
  const std::map<std::string, std::string> lines(report.lines.begin(), report.lines.end());
  EXPECT_EQ(lines.at("family"), "DeepSeek-V3 (model_type deepseek_v3)");
  EXPECT_THAT(lines.at("experts"), HasSubstr("12 routed, 4 of them per token, in 2 of 4 groups; 1 shared"));
  EXPECT_EQ(lines.at("precision"), "F32 100.0 %");
  EXPECT_THAT(lines.at("context"), HasSubstr("YaRN with factor 40 over 64"));
  EXPECT_THAT(lines.at("tokenizer"), HasSubstr("for a vocabulary of 1024"));
}

TEST(FolderReportTest, AMissingFolderIsAnError) {
  EXPECT_THAT(ReportFolder("/nowhere/a"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/a")));
}

}  // namespace
}  // namespace plumb::cli
