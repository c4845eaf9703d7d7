#include "base/broken_download.h"

#include <gtest/gtest.h>

namespace plumb {
namespace {

TEST(BrokenDownloadTest, PointersAndPagesAreToldByTheirBeginning) {
  EXPECT_EQ(BrokenDownload("version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "JSON"),
            "is a Git LFS pointer; run `git lfs pull`");
  EXPECT_EQ(BrokenDownload("\n <!DOCTYPE html><html>", "a safetensors file"),
            "is an HTML page, not a safetensors file");
  EXPECT_EQ(BrokenDownload("<html lang=\"en\">", "JSON"), "is an HTML page, not JSON");
}

TEST(BrokenDownloadTest, OtherContentIsNeither) {
  for (const char* content : {"", "{}", "{\"a\": \"<html>\"}", "version 2", "<!doctype"}) {
    EXPECT_EQ(BrokenDownload(content, "JSON"), "") << content;
  }
}

}  // namespace
}  // namespace plumb
