#include "checkpoint/safetensors.h"

#include <cstring>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::GoldenPath;
using ::plumb::testing::IsOk;
using ::plumb::testing::MustRead;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// A file's bytes: the length, the header, then `payload` zero bytes.
std::string FileBytes(const std::string& header, size_t payload) {
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
  return bytes + header + std::string(payload, '\0');
}

absl::Status OpenBytes(const std::string& bytes) {
  const TestFolder folder;
  const std::string path = folder.File("bad.safetensors");
  const absl::Status written = WriteFileAtomic(path, bytes);
  if (!written.ok()) return written;
  return SafetensorsFile::Open(path).status();
}

TEST(SafetensorsTest, ReadsTensorsOfEveryRankAndMetadata) {
  const TestFolder folder;
  const std::string path = folder.File("some.safetensors");
  ASSERT_OK(WriteFileAtomic(path, FileBytes(R"({"__metadata__":{"format":"pt"},)"
                                            R"("scalar":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                                            R"("empty":{"dtype":"I64","shape":[2,0],"data_offsets":[4,4]},)"
                                            R"("matrix":{"dtype":"U8","shape":[1,3],"data_offsets":[4,7]}}   )",
                                            7)));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SafetensorsFile> file, SafetensorsFile::Open(path));
  EXPECT_THAT(file->metadata(), ElementsAre(Pair("format", "pt")));
  EXPECT_EQ(file->tensors().size(), 3u);
  EXPECT_THAT(file->tensors().at("scalar").shape, IsEmpty());
  EXPECT_EQ(file->tensors().at("scalar").bytes.size(), 4u);
  EXPECT_EQ(file->tensors().at("empty").bytes.size(), 0u);
  EXPECT_THAT(file->tensors().at("matrix").shape, ElementsAre(1, 3));
  EXPECT_EQ(file->tensors().at("matrix").type, TensorType::kU8);
}

TEST(SafetensorsTest, NamesAndSizesOfTypesAgreeWithTheFormat) {
  EXPECT_EQ(TensorTypeName(TensorType::kBF16), "BF16");
  EXPECT_EQ(TensorTypeName(TensorType::kF8E4M3), "F8_E4M3");
  EXPECT_EQ(TensorTypeBytes(TensorType::kBF16), 2);
  EXPECT_EQ(TensorTypeBytes(TensorType::kI64), 8);
  EXPECT_EQ(TensorTypeBytes(TensorType::kBool), 1);
}

TEST(SafetensorsGoldenTest, WritesBackTheSameBytes) {
  const TestFolder folder;
  for (const char* name : {"models/v3_norope_fp32/model.safetensors", "models/v3_norope_fp32/goldens.safetensors",
                           "models/v3_sharded_bf16/model-00002-of-00003.safetensors"}) {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SafetensorsFile> file, SafetensorsFile::Open(GoldenPath(name)));
    std::vector<NamedTensorBytes> tensors;
    for (const auto& [tensor_name, tensor] : file->tensors()) tensors.push_back({tensor_name, tensor});
    const std::string copy = folder.File("copy.safetensors");
    ASSERT_OK(WriteSafetensors(copy, tensors));
    EXPECT_EQ(MustRead(copy), MustRead(GoldenPath(name))) << name;
  }
}

TEST(SafetensorsTest, WritesLargeAlignmentsFirstAndPadsTheHeader) {
  const std::byte bytes[8] = {};
  const TestFolder folder;
  const std::string path = folder.File("order.safetensors");
  ASSERT_OK(WriteSafetensors(path, {{"a", {TensorType::kU8, {3}, absl::MakeConstSpan(bytes, 3)}},
                                    {"z", {TensorType::kF32, {1}, absl::MakeConstSpan(bytes, 4)}},
                                    {"b", {TensorType::kF32, {1}, absl::MakeConstSpan(bytes, 4)}},
                                    {"m", {TensorType::kI64, {1}, absl::MakeConstSpan(bytes, 8)}}}));
  const std::string content = MustRead(path);
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, content.data(), sizeof(header_bytes));
  EXPECT_EQ(header_bytes % 8, 0u);
  const std::string header = content.substr(8, header_bytes);
  EXPECT_LT(header.find("\"m\""), header.find("\"b\""));
  EXPECT_LT(header.find("\"b\""), header.find("\"z\""));
  EXPECT_LT(header.find("\"z\""), header.find("\"a\""));
}

TEST(SafetensorsTest, RefusesToWriteWhatDoesNotFit) {
  const std::byte bytes[4] = {};
  const TestFolder folder;
  const NamedTensorBytes good = {"a", {TensorType::kF32, {1}, bytes}};
  EXPECT_THAT(WriteSafetensors(folder.File("f"), {good, good}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a: given twice")));
  EXPECT_THAT(WriteSafetensors(folder.File("f"), {{"a", {TensorType::kF32, {2}, bytes}}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has 4 bytes, expected 8")));
}

TEST(SafetensorsFaultTest, MissingFileIsNotFound) {
  EXPECT_THAT(SafetensorsFile::Open("/nowhere/model.safetensors"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/model.safetensors")));
}

struct BadHeader {
  const char* name;
  std::string bytes;
  const char* message;
};

class BadFileFaultTest : public ::testing::TestWithParam<BadHeader> {};

TEST_P(BadFileFaultTest, IsDataLossThatNamesTheRule) {
  EXPECT_THAT(OpenBytes(GetParam().bytes),
              StatusIs(absl::StatusCode::kDataLoss,
                       ::testing::AllOf(HasSubstr("bad.safetensors"), HasSubstr(GetParam().message))));
}

std::string OneTensor(const std::string& entry, size_t payload) { return FileBytes(R"({"t":)" + entry + "}", payload); }

std::string Nested(int depth) { return "{\"t\":" + std::string(depth, '[') + std::string(depth, ']') + "}"; }

// A header of four million numbers in eight megabytes, which would take half a gigabyte.
std::string ManyNumbers() {
  std::string header = R"({"t":{"dtype":"U8","shape":[0)";
  for (int i = 0; i < 4'000'000; ++i) header += ",0";
  return FileBytes(header + R"(],"data_offsets":[0,0]}})", 0);
}

const BadHeader kBadFiles[] = {
    {"Empty", "", "has 0 bytes, too few"},
    {"ShorterThanLength", "1234567", "has 7 bytes, too few"},
    {"HeaderTooLong", FileBytes("{}", 0).replace(0, 8, "\x01\xe1\xf5\x05\0\0\0\0", 8), "at most 100000000"},
    {"HeaderLengthOverflow", FileBytes("{}", 0).replace(0, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), "at most"},
    {"HeaderBeyondFile", FileBytes("{}", 0).replace(0, 8, "\x03\0\0\0\0\0\0\0", 8), "truncated"},
    {"NoBrace", FileBytes(" {}", 0), "does not start with '{'"},
    {"NoHeader", FileBytes("", 0), "does not start with '{'"},
    {"NotJson", FileBytes("{nothing}", 0), "not valid JSON"},
    {"TextBehind", FileBytes("{} {}", 0), "not valid JSON"},
    {"NotUtf8", FileBytes("{\"\xff\":1}", 0), "not valid JSON"},
    {"TooDeep", FileBytes(Nested(1000), 0), "nested deeper"},
    {"TooManyNumbers", ManyNumbers(), "more than 4000000 values"},
    {"DuplicateName",
     FileBytes(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"U8","shape":[1],)"
               R"("data_offsets":[1,2]}})",
               2),
     "\"t\" is given twice"},
    {"EntryNotObject", OneTensor("3", 0), "expected an object"},
    {"UnknownType", OneTensor(R"({"dtype":"F7","shape":[1],"data_offsets":[0,1]})", 1), "dtype F7 is not supported"},
    {"SubByteType", OneTensor(R"({"dtype":"F4","shape":[2],"data_offsets":[0,1]})", 1), "dtype F4 is not supported"},
    {"TypeNotString", OneTensor(R"({"dtype":1,"shape":[1],"data_offsets":[0,1]})", 1), "dtype is 1"},
    {"NoShape", OneTensor(R"({"dtype":"U8","data_offsets":[0,1]})", 1), "shape is missing"},
    {"NegativeShape", OneTensor(R"({"dtype":"U8","shape":[-1],"data_offsets":[0,1]})", 1), "shape[0]"},
    {"FractionalShape", OneTensor(R"({"dtype":"U8","shape":[1.0],"data_offsets":[0,1]})", 1), "shape[0]"},
    {"NoOffsets", OneTensor(R"({"dtype":"U8","shape":[1]})", 1), "data_offsets is missing"},
    {"ThreeOffsets", OneTensor(R"({"dtype":"U8","shape":[1],"data_offsets":[0,1,1]})", 1), "expected 2"},
    {"BackwardOffsets", OneTensor(R"({"dtype":"U8","shape":[1],"data_offsets":[1,0]})", 1), "backwards"},
    {"OffsetsBeyondFile", OneTensor(R"({"dtype":"U8","shape":[4],"data_offsets":[0,4]})", 3), "truncated"},
    {"HugeOffsets", OneTensor(R"({"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551615]})", 1),
     "data_offsets[1]"},
    {"SizeIsNotShape", OneTensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})", 4), "expected 8 from shape"},
    {"ShapeOverflow", OneTensor(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})", 0),
     "overflows"},
    {"ZeroBehindAnOverflow", OneTensor(R"({"dtype":"U8","shape":[4611686018427387904,4,0],"data_offsets":[0,0]})", 0),
     "overflows"},
    {"FieldGivenTwice", OneTensor(R"({"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,1]})", 1),
     "\"dtype\" is given twice"},
    {"StartsLate", OneTensor(R"({"dtype":"U8","shape":[1],"data_offsets":[1,2]})", 2), "a hole"},
    {"Hole",
     FileBytes(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],)"
               R"("data_offsets":[2,3]}})",
               3),
     "b: starts at offset 2, expected 1 (a hole)"},
    {"Overlap",
     FileBytes(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],)"
               R"("data_offsets":[1,3]}})",
               3),
     "b: starts at offset 1, expected 2 (an overlap)"},
    {"BytesBehind", OneTensor(R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})", 2), "tensors end at offset 1"},
    {"MetadataNotStrings", FileBytes(R"({"__metadata__":{"format":1}})", 0), "expected a string"},
    {"MetadataNested", FileBytes(R"({"__metadata__":{"format":{"a":"pt"}}})", 0), "expected a string"},
    {"MetadataGivenTwice", FileBytes(R"({"__metadata__":{},"__metadata__":{}})", 0), "\"__metadata__\" is given twice"},
    {"MetadataNotObject", FileBytes(R"({"__metadata__":"pt"})", 0), "expected an object"},
};

INSTANTIATE_TEST_SUITE_P(All, BadFileFaultTest, ::testing::ValuesIn(kBadFiles),
                         [](const ::testing::TestParamInfo<BadHeader>& info) { return std::string(info.param.name); });

TEST(SafetensorsFaultTest, EveryTruncationOfAFileIsRefused) {
  const std::string whole = FileBytes(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8);
  ASSERT_OK(OpenBytes(whole));
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(OpenBytes(whole.substr(0, size)), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(""))) << size;
  }
}

}  // namespace
}  // namespace plumb
