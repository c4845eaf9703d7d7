#include "text/jsonl_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

TEST(ExpandTemplateTest, OnlyBracedKeysAreReplaced) {
  const Json row = {{"a", "x{b}"}, {"b", true}, {"a.b-c_1", nullptr}};
  EXPECT_THAT(ExpandTemplate("{a}|{b}|{a.b-c_1}|{ a }|{}|{{a}}|{", row), IsOkAndHolds("x{b}|true|null|{ a }|{}|{a}|{"));
  EXPECT_THAT(ExpandTemplate("{c}", row), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the key c")));
}

TEST(ReadJsonlRowsTest, TheConfiguredFormatGoesBeforeTheKeys) {
  testing::TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("rows.jsonl"), "{\"prompt\": \"a\", \"question\": \"b\"}\r\n"));
  proto::DataConfig config;
  config.set_file(folder.File("rows.jsonl"));
  ASSERT_OK_AND_ASSIGN(const JsonlRows automatic, ReadJsonlRows(config));
  EXPECT_EQ(automatic.format, RowFormat::kPromptCompletion);
  EXPECT_EQ(automatic.rows[0].line, "{\"prompt\": \"a\", \"question\": \"b\"}");
  config.set_format("question_answer");
  ASSERT_OK_AND_ASSIGN(const JsonlRows configured, ReadJsonlRows(config));
  EXPECT_EQ(configured.format, RowFormat::kQuestionAnswer);
  config.set_format("csv");
  EXPECT_THAT(ReadJsonlRows(config), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("format is csv")));
}

}  // namespace
}  // namespace plumb
