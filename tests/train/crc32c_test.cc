#include "train/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace plumb {
namespace {

TEST(Crc32cTest, AgreesWithPublishedVectors) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  // RFC 3720, appendix B.4.
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(Crc32cTest, MaskTurnsAndAdds) {
  EXPECT_EQ(MaskedCrc32c("123456789"), 0xc78ab0e5u);
  EXPECT_EQ(MaskedCrc32c(absl::string_view("\x18\0\0\0\0\0\0\0", 8)), 0x224b7fa3u);
}

}  // namespace
}  // namespace plumb
