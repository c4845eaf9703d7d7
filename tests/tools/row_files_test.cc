#include "tools/row_files.h"

#include <filesystem>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb::cli {
namespace {

using plumb::testing::MustRead;
using plumb::testing::StatusIs;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(RowFilesTest, WritesWhatItReads) {
  const TestFolder folder;
  const std::string text = "{\"b\":1,\"a\":[0.1]}\n{\"c\":\"ü\"}\n";
  ASSERT_OK(WriteFileAtomic(folder.File("in"), "\n" + text));
  ASSERT_OK_AND_ASSIGN(const std::vector<InputRow> rows, ReadRows(folder.File("in")));
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0].place, folder.File("in") + ":2");
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<RowWriter> writer, RowWriter::Open(folder.File("out")));
  for (const InputRow& row : rows) ASSERT_OK(writer->Write(row.row));
  writer.reset();
  EXPECT_EQ(MustRead(folder.File("out")), text);
}

TEST(RowFilesFaultTest, NamesFileAndLine) {
  const TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("in"), "{}\n[1]\n"));
  EXPECT_THAT(ReadRows(folder.File("in")).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("in:2: expected a JSON object, found array")));
  EXPECT_THAT(ReadRows(folder.File("none")).status(), StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  EXPECT_THAT(RowWriter::Open(folder.File("no/out")).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no/out: cannot be written")));
}

TEST(RowFilesFaultTest, AFullDiskIsAnError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "this machine has no /dev/full";
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<RowWriter> writer, RowWriter::Open("/dev/full"));
  ASSERT_OK(writer->WriteLine("{}"));
  EXPECT_THAT(writer->Flush(), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("/dev/full")));
}

}  // namespace
}  // namespace plumb::cli
