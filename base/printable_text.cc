#include "base/printable_text.h"

#include "absl/strings/str_format.h"

namespace plumb {
namespace {

constexpr unsigned char kDelete = 0x7F;
// UTF-8 writes U+0080 ... U+009F, which some terminals obey, as this byte and one of 0x80 ... 0x9F.
constexpr unsigned char kFirstByteOfC1 = 0xC2;

bool IsC1(absl::string_view text, size_t at) {
  if (static_cast<unsigned char>(text[at]) != kFirstByteOfC1 || at + 1 == text.size()) return false;
  const auto second = static_cast<unsigned char>(text[at + 1]);
  return second >= 0x80 && second <= 0x9F;
}

std::string Escape(absl::string_view text, absl::string_view kept) {
  std::string printable;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (IsC1(text, i)) {
      absl::StrAppendFormat(&printable, "\\x%02x", static_cast<unsigned char>(text[++i]));
    } else if ((byte < 0x20 || byte == kDelete) && kept.find(text[i]) == absl::string_view::npos) {
      absl::StrAppendFormat(&printable, "\\x%02x", byte);
    } else {
      printable += text[i];
    }
  }
  return printable;
}

}  // namespace

std::string PrintableText(absl::string_view text) { return Escape(text, "\n\t"); }

std::string PrintableLine(absl::string_view text) { return Escape(text, ""); }

}  // namespace plumb
