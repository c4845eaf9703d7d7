#include "text/unicode.h"

#include <utf8proc.h>

#include "absl/strings/ascii.h"
#include "text/unicode_additions.h"

namespace plumb {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";

// The bounds of the second byte keep out overlong forms, surrogates and values above U+10FFFF (Unicode, table 3-7).
struct LeadByte {
  int length;
  uint8_t second_min;
  uint8_t second_max;
};

LeadByte ClassifyLead(uint8_t lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead < 0xC2) return {0, 0, 0};
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

CodePoint ReadCodePoint(absl::string_view text, size_t position) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[position + i]); };
  const size_t available = text.size() - position;
  const LeadByte lead = ClassifyLead(byte(0));
  if (lead.length == 1) return {byte(0), 1, false};
  if (lead.length == 0) return {-1, 1, false};
  int32_t value = byte(0) & (0x7F >> lead.length);
  for (int i = 1; i < lead.length; ++i) {
    if (i >= available) return {-1, i, true};
    const uint8_t low = i == 1 ? lead.second_min : 0x80;
    const uint8_t high = i == 1 ? lead.second_max : 0xBF;
    if (byte(i) < low || byte(i) > high) return {-1, i, false};
    value = (value << 6) | (byte(i) & 0x3F);
  }
  return {value, lead.length, false};
}

void AppendUtf8(int32_t code_point, std::string* text) {
  uint8_t bytes[4];
  const auto length = utf8proc_encode_char(code_point, bytes);
  text->append(reinterpret_cast<const char*>(bytes), length);
}

bool IsValidUtf8(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (absl::ascii_isascii(text[i])) {
      ++i;
      continue;
    }
    const CodePoint point = ReadCodePoint(text, i);
    if (point.value < 0) return false;
    i += point.length;
  }
  return true;
}

std::string ReplaceInvalidUtf8(absl::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = ReadCodePoint(text, i);
    const absl::string_view bytes = point.value < 0 ? kReplacement : text.substr(i, point.length);
    result.append(bytes.data(), bytes.size());
    i += point.length;
  }
  return result;
}

std::vector<int32_t> CodePoints(absl::string_view text) {
  std::vector<int32_t> code_points;
  code_points.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = ReadCodePoint(text, i);
    code_points.push_back(point.value < 0 ? 0xFFFD : point.value);
    i += point.length;
  }
  return code_points;
}

std::string Utf8FromCodePoints(const std::vector<int32_t>& code_points) {
  std::string text;
  for (const int32_t code_point : code_points) AppendUtf8(code_point, &text);
  return text;
}

bool IsWhitespace(int32_t code_point) {
  if (code_point < 0x80) return code_point == ' ' || (code_point >= '\t' && code_point <= '\r');
  if (code_point == 0x85) return true;
  const utf8proc_category_t category = utf8proc_category(code_point);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool IsNumeric(int32_t code_point) {
  const utf8proc_category_t category = utf8proc_category(code_point);
  return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_NO ||
         (category == UTF8PROC_CATEGORY_CN && IsAddedNumeric(code_point));
}

ByteSpan AlignedText::Origin(ByteSpan span) const {
  if (origins.empty()) return span;
  if (span.begin == span.end) {
    const bool inside = span.begin < static_cast<int64_t>(origins.size());
    const int64_t place = inside ? origins[span.begin].begin : origins.back().end;
    return {place, place};
  }
  return {origins[span.begin].begin, origins[span.end - 1].end};
}

void AlignedText::Append(absl::string_view bytes, ByteSpan origin) {
  text.append(bytes.data(), bytes.size());
  const bool one_to_one = static_cast<int64_t>(bytes.size()) == origin.end - origin.begin;
  for (int64_t i = 0; i < static_cast<int64_t>(bytes.size()); ++i) {
    origins.push_back(one_to_one ? ByteSpan{origin.begin + i, origin.begin + i + 1} : origin);
  }
}

AlignedText ReplaceInvalidUtf8Aligned(absl::string_view text) {
  AlignedText result;
  if (IsValidUtf8(text)) {
    result.text.assign(text.data(), text.size());
    return result;
  }
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = ReadCodePoint(text, i);
    const auto begin = static_cast<int64_t>(i);
    const absl::string_view bytes = point.value < 0 ? kReplacement : text.substr(i, point.length);
    result.Append(bytes, {begin, begin + point.length});
    i += point.length;
  }
  return result;
}

}  // namespace plumb
