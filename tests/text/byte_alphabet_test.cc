#include "text/byte_alphabet.h"

#include <gtest/gtest.h>

namespace plumb {
namespace {

TEST(ByteAlphabetTest, PrintableBytesAreThemselvesTheOthersCountOn) {
  EXPECT_EQ(CodePointOfByte('!'), '!');
  EXPECT_EQ(CodePointOfByte(0xFF), 0xFF);
  EXPECT_EQ(CodePointOfByte(0x00), 0x100);
  EXPECT_EQ(CodePointOfByte(' '), 0x120);
  EXPECT_EQ(CodePointOfByte(0xAD), 0x143);  // the 68th
  EXPECT_EQ(TokenOfBytes(" \n"), "ĠĊ");
}

TEST(ByteAlphabetTest, EveryByteReadsBack) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  EXPECT_EQ(BytesOfToken(TokenOfBytes(bytes)), bytes);
}

TEST(ByteAlphabetTest, OtherCharactersSpellNothing) {
  EXPECT_EQ(BytesOfToken("a b"), std::nullopt);
  EXPECT_EQ(BytesOfToken("中"), std::nullopt);
  EXPECT_EQ(BytesOfToken("\xFF"), std::nullopt);
}

}  // namespace
}  // namespace plumb
