#ifndef PLUMB_TEXT_BYTE_ALPHABET_H_
#define PLUMB_TEXT_BYTE_ALPHABET_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace plumb {

// GPT-2's alphabet, in which byte-level vocabularies spell their tokens: a printable character for each byte.
// Bytes 0x21-0x7E, 0xA1-0xAC and 0xAE-0xFF are their own code points; the other 68, ascending, are U+0100 and on.
int32_t CodePointOfByte(uint8_t byte);

// The bytes that a token's text spells; none where a character is outside of the alphabet.
std::optional<std::string> BytesOfToken(absl::string_view token);

// The spelling of some bytes.
std::string TokenOfBytes(absl::string_view bytes);

}  // namespace plumb

#endif  // PLUMB_TEXT_BYTE_ALPHABET_H_
