#ifndef PLUMB_TEXT_UNICODE_H_
#define PLUMB_TEXT_UNICODE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "text/tokenizer.h"

// UTF-8 and the character classes that tokenizers and templates ask for. Categories are those of utf8proc's Unicode
// version.
namespace plumb {

struct CodePoint {
  int32_t value = -1;    // -1 for bytes that are not UTF-8
  int length = 0;        // bytes; of a bad sequence its longest prefix that could have begun a character, at least 1
  bool cut_off = false;  // the text ends inside of what could still become a character
};

// Reads the code point at `position`, which lies inside the text. Surrogates and overlong forms are bad sequences.
CodePoint ReadCodePoint(absl::string_view text, size_t position);

void AppendUtf8(int32_t code_point, std::string* text);

// Replaces each bad sequence by U+FFFD.
std::string ReplaceInvalidUtf8(absl::string_view text);
bool IsValidUtf8(absl::string_view text);

// Code points of valid UTF-8.
std::vector<int32_t> CodePoints(absl::string_view text);
std::string Utf8FromCodePoints(const std::vector<int32_t>& code_points);

bool IsWhitespace(int32_t code_point);  // Unicode White_Space
bool IsNumeric(int32_t code_point);     // categories Nd, Nl, No

// A changed copy of a text and where each of its bytes came from. No origins: the copy is the text itself.
struct AlignedText {
  std::string text;
  std::vector<ByteSpan> origins;  // one per byte of `text`, or none

  // The range of the original text that the bytes [begin, end) stand for.
  ByteSpan Origin(ByteSpan span) const;
  void Append(absl::string_view bytes, ByteSpan origin);
};

// Like ReplaceInvalidUtf8, with the origins.
AlignedText ReplaceInvalidUtf8Aligned(absl::string_view text);

}  // namespace plumb

#endif  // PLUMB_TEXT_UNICODE_H_
