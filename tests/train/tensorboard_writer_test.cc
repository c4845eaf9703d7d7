#include "train/tensorboard_writer.h"

#include <google/protobuf/unknown_field_set.h>

#include <cmath>
#include <cstring>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"
#include "train/crc32c.h"

namespace plumb {
namespace {

using ::google::protobuf::UnknownField;
using ::google::protobuf::UnknownFieldSet;
using ::plumb::testing::IsOk;
using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::MustRead;
using ::plumb::testing::TestFolder;
using ::testing::SizeIs;

template <typename T>
T ReadFixed(const std::string& bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// Splits a file into the payloads of its whole records, checking both checksums of each.
std::vector<std::string> Records(const std::string& bytes) {
  std::vector<std::string> payloads;
  size_t offset = 0;
  while (offset + 12 <= bytes.size()) {
    const size_t length = ReadFixed<uint64_t>(bytes, offset);
    EXPECT_EQ(ReadFixed<uint32_t>(bytes, offset + 8), MaskedCrc32c(bytes.substr(offset, 8)));
    if (offset + length + 16 > bytes.size()) break;
    payloads.push_back(bytes.substr(offset + 12, length));
    EXPECT_EQ(ReadFixed<uint32_t>(bytes, offset + 12 + length), MaskedCrc32c(payloads.back()));
    offset += length + 16;
  }
  return payloads;
}

// The fields of a message, by protobuf's own parser.
std::unique_ptr<UnknownFieldSet> Parse(const std::string& message) {
  auto fields = std::make_unique<UnknownFieldSet>();
  EXPECT_TRUE(fields->ParseFromString(message));
  return fields;
}

const UnknownField& Field(const UnknownFieldSet& fields, int number) {
  for (int i = 0; i < fields.field_count(); ++i) {
    if (fields.field(i).number() == number) return fields.field(i);
  }
  ADD_FAILURE() << "no field " << number;
  return fields.field(0);
}

TEST(TensorBoardWriterTest, StartsWithVersionAndSession) {
  const TestFolder folder;
  ASSERT_OK_AND_ASSIGN(const auto writer, TensorBoardWriter::Create(folder.path(), 41));
  EXPECT_NE(writer->path().find("events.out.tfevents."), std::string::npos);
  const std::vector<std::string> records = Records(MustRead(writer->path()));
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(Field(*Parse(records[0]), 3).length_delimited(), "brain.Event:2");
  const std::unique_ptr<UnknownFieldSet> session = Parse(records[1]);
  EXPECT_EQ(Field(*session, 2).varint(), 41u);
  EXPECT_EQ(Field(*Parse(Field(*session, 7).length_delimited()), 1).varint(), 1u);
}

TEST(TensorBoardWriterTest, WritesAScalarPerMetric) {
  const TestFolder folder;
  ASSERT_OK_AND_ASSIGN(const auto writer, TensorBoardWriter::Create(folder.path(), 0));
  ASSERT_OK(writer->Write(300, {{"reward/mean", 0.25}, {"loss", NAN}}));
  const std::vector<std::string> records = Records(MustRead(writer->path()));
  ASSERT_EQ(records.size(), 3u);
  const std::unique_ptr<UnknownFieldSet> event = Parse(records[2]);
  EXPECT_EQ(Field(*event, 2).varint(), 300u);
  const uint64_t time_bits = Field(*event, 1).fixed64();
  double wall_time;
  std::memcpy(&wall_time, &time_bits, sizeof(wall_time));
  EXPECT_GT(wall_time, 1.6e9);
  const std::unique_ptr<UnknownFieldSet> summary = Parse(Field(*event, 5).length_delimited());
  ASSERT_EQ(summary->field_count(), 2);
  const std::unique_ptr<UnknownFieldSet> first = Parse(summary->field(0).length_delimited());
  EXPECT_EQ(Field(*first, 1).length_delimited(), "reward/mean");
  const uint32_t value_bits = Field(*first, 2).fixed32();
  float value;
  std::memcpy(&value, &value_bits, sizeof(value));
  EXPECT_EQ(value, 0.25f);
}

TEST(TensorBoardWriterTest, EverySessionHasItsOwnFile) {
  const TestFolder folder;
  ASSERT_OK_AND_ASSIGN(const auto first, TensorBoardWriter::Create(folder.path(), 0));
  ASSERT_OK_AND_ASSIGN(const auto second, TensorBoardWriter::Create(folder.path(), 5));
  EXPECT_LT(first->path(), second->path());
  EXPECT_THAT(ListFolder(folder.path()), IsOkAndHolds(SizeIs(2)));
}

TEST(TensorBoardWriterFaultTest, ATornFileStillGivesItsWholeRecords) {
  const TestFolder folder;
  ASSERT_OK_AND_ASSIGN(const auto writer, TensorBoardWriter::Create(folder.path(), 0));
  const size_t start = MustRead(writer->path()).size();
  for (int step = 0; step < 10; ++step) ASSERT_OK(writer->Write(step, {{"loss", 1.0 / (step + 1)}}));
  const std::string whole = MustRead(writer->path());
  const size_t record = (whole.size() - start) / 10;
  for (size_t size = start; size <= whole.size(); ++size) {
    EXPECT_EQ(Records(whole.substr(0, size)).size(), 2 + (size - start) / record) << size;
  }
}

}  // namespace
}  // namespace plumb
