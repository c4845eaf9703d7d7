#include "text/byte_alphabet.h"

#include <array>

#include "text/unicode.h"

namespace plumb {
namespace {

constexpr int kLetters = 0x100 + 68;

constexpr bool IsOwnCodePoint(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Tables {
  std::array<int32_t, 256> code_points{};
  std::array<int16_t, kLetters> bytes{};
};

constexpr Tables MakeTables() {
  Tables tables;
  for (int i = 0; i < kLetters; ++i) tables.bytes[i] = -1;
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const int letter = IsOwnCodePoint(byte) ? byte : next++;
    tables.code_points[byte] = letter;
    tables.bytes[letter] = static_cast<int16_t>(byte);
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

}  // namespace

int32_t CodePointOfByte(uint8_t byte) { return kTables.code_points[byte]; }

std::optional<std::string> BytesOfToken(absl::string_view token) {
  std::string bytes;
  for (size_t i = 0; i < token.size();) {
    const CodePoint point = ReadCodePoint(token, i);
    if (point.value < 0 || point.value >= kLetters || kTables.bytes[point.value] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kTables.bytes[point.value]));
    i += point.length;
  }
  return bytes;
}

std::string TokenOfBytes(absl::string_view bytes) {
  std::string token;
  for (const char byte : bytes) AppendUtf8(CodePointOfByte(static_cast<uint8_t>(byte)), &token);
  return token;
}

}  // namespace plumb
