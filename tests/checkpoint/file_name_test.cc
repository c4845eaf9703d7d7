#include "checkpoint/file_name.h"

#include <gtest/gtest.h>

namespace plumb {
namespace {

TEST(FileNameTest, OnlyNamesInsideTheFolderAreTaken) {
  EXPECT_TRUE(IsPlainFileName("model-00001-of-00002.safetensors"));
  EXPECT_TRUE(IsPlainFileName("..hidden"));
  EXPECT_FALSE(IsPlainFileName(""));
  EXPECT_FALSE(IsPlainFileName("."));
  EXPECT_FALSE(IsPlainFileName(".."));
  EXPECT_FALSE(IsPlainFileName("/etc/passwd"));
  EXPECT_FALSE(IsPlainFileName("a/b"));
  EXPECT_FALSE(IsPlainFileName(absl::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace plumb
