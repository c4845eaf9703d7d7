#include "train/metrics_writer.h"

#include <cmath>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::MustRead;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(MetricsWriterTest, WritesOneObjectPerStepInTheGivenOrder) {
  const TestFolder run;
  ASSERT_OK_AND_ASSIGN(const auto writer, MetricsWriter::Open(run.path(), -1));
  ASSERT_OK(writer->Write(1, {{"loss", 0.1}, {"grad_norm", 3.0}}));
  ASSERT_OK(writer->Write(2, {{"loss", NAN}, {"grad_norm", INFINITY}, {"epoch", 1e-300}}));
  EXPECT_EQ(MustRead(run.File("metrics.jsonl")),
            "{\"step\":1,\"loss\":0.1,\"grad_norm\":3.0}\n"
            "{\"step\":2,\"loss\":null,\"grad_norm\":null,\"epoch\":1e-300}\n");
}

TEST(MetricsWriterTest, NumbersReadBackToTheSameBits) {
  const TestFolder run;
  ASSERT_OK_AND_ASSIGN(const auto writer, MetricsWriter::Open(run.path(), -1));
  const double value = 0.1f;  // Needs 17 digits as a double.
  ASSERT_OK(writer->Write(1, {{"loss", value}}));
  EXPECT_EQ(testing::MustReadJsonLines(run.File("metrics.jsonl"))[0]["loss"].get<double>(), value);
}

TEST(MetricsWriterTest, AResumeCutsWhatCameAfterTheCheckpoint) {
  const TestFolder run;
  // The last line is what a killed run was writing.
  ASSERT_OK(WriteFileAtomic(run.File("metrics.jsonl"), "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"ste"));
  ASSERT_OK_AND_ASSIGN(const auto writer, MetricsWriter::Open(run.path(), 2));
  ASSERT_OK(writer->Write(3, {{"loss", 1.0}}));
  EXPECT_EQ(MustRead(run.File("metrics.jsonl")), "{\"step\":1}\n{\"step\":2}\n{\"step\":3,\"loss\":1.0}\n");
}

TEST(MetricsWriterTest, AResumeStartsANewEventFile) {
  const TestFolder run;
  ASSERT_OK(MetricsWriter::Open(run.path(), -1));
  ASSERT_OK(MetricsWriter::Open(run.path(), 0));
  EXPECT_THAT(ListFolder(run.File("tensorboard")), IsOkAndHolds(SizeIs(2)));
}

TEST(MetricsWriterFaultTest, NamesTheLineThatIsDamaged) {
  const TestFolder run;
  ASSERT_OK(WriteFileAtomic(run.File("metrics.jsonl"), "{\"step\":1}\nnonsense\n"));
  EXPECT_THAT(MetricsWriter::Open(run.path(), 2),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("metrics.jsonl:2")));
}

}  // namespace
}  // namespace plumb
