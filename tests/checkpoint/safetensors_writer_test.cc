#include "base/file.h"
#include "base/status_macros.h"
#include "checkpoint/safetensors.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(SafetensorsWriterTest, NamesThatNeedEscapesReadBack) {
  const TestFolder folder;
  const std::byte bytes[2] = {std::byte{1}, std::byte{2}};
  const std::string name = "quote \" backslash \\ ü";
  ASSERT_OK(WriteSafetensors(folder.File("f"), {{name, {TensorType::kI8, {2}, bytes}}}));
  ASSERT_OK_AND_ASSIGN(const auto file, SafetensorsFile::Open(folder.File("f")));
  ASSERT_EQ(file->tensors().count(name), 1u);
  EXPECT_THAT(file->tensors().at(name).bytes, ElementsAre(std::byte{1}, std::byte{2}));
}

TEST(SafetensorsWriterTest, NoTensorsMakeAFileThatReadsBack) {
  const TestFolder folder;
  ASSERT_OK(WriteSafetensors(folder.File("f"), {}));
  ASSERT_OK_AND_ASSIGN(const auto file, SafetensorsFile::Open(folder.File("f")));
  EXPECT_TRUE(file->tensors().empty());
}

TEST(SafetensorsWriterFaultTest, NamesThePathThatCannotBeCreated) {
  EXPECT_THAT(WriteSafetensors("/nowhere/f", {}), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/f")));
}

TEST(SafetensorsWriterFaultTest, FullDiskIsResourceExhausted) {
  const std::byte bytes[1] = {};
  EXPECT_THAT(WriteSafetensors("/dev/full", {{"a", {TensorType::kU8, {1}, bytes}}}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("/dev/full")));
}

TEST(SafetensorsWriterTest, StreamsPiecesInOrder) {
  const TestFolder folder;
  StreamedTensor tensor;
  tensor.name = "a";
  tensor.type = TensorType::kU8;
  tensor.shape = {3};
  tensor.stream = [](const ByteSink& sink) -> absl::Status {
    const std::byte bytes[3] = {std::byte{1}, std::byte{2}, std::byte{3}};
    RETURN_IF_ERROR(sink(absl::MakeConstSpan(bytes, 2)));
    return sink(absl::MakeConstSpan(bytes + 2, 1));
  };
  ASSERT_OK(StreamSafetensors(folder.File("f"), {tensor}));
  ASSERT_OK_AND_ASSIGN(const auto file, SafetensorsFile::Open(folder.File("f")));
  EXPECT_EQ(file->tensors().at("a").bytes[2], std::byte{3});
  tensor.shape = {4};
  EXPECT_THAT(StreamSafetensors(folder.File("f"), {tensor}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a: has 3 bytes, expected 4")));
}

}  // namespace
}  // namespace plumb
