#include "tools/report/html_text.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace plumb {

std::string EscapeHtml(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        const bool is_control = static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n';
        if (is_control) {
          escaped += "\xEF\xBF\xBD";
        } else {
          escaped += c;
        }
    }
  }
  return escaped;
}

std::string ShortNumber(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  const double size = std::fabs(value);
  if (size == 0) return "0";
  if (size < 1e-4) return absl::StrFormat("%.*e", digits - 3, value);
  if (size >= 1e6) return absl::StrFormat("%.*gM", digits, value / 1e6);
  if (size >= 1e4) return absl::StrFormat("%.*gk", digits, value / 1e3);
  return absl::StrFormat("%.*g", digits, value);
}

std::string Percent(double share) { return std::isfinite(share) ? absl::StrFormat("%.1f %%", 100 * share) : "-"; }

}  // namespace plumb
