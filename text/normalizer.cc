#include "text/normalizer.h"

#include <utf8proc.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

std::string Mapped(absl::string_view text, int options) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &mapped, static_cast<utf8proc_option_t>(options));
  PLUMB_CHECK(length >= 0) << "normalizing " << text.size() << " bytes: " << utf8proc_errmsg(length);
  std::string result(reinterpret_cast<const char*>(mapped), length);
  std::free(mapped);
  return result;
}

// Where the grapheme cluster that begins at `begin` ends.
size_t ClusterEnd(absl::string_view text, size_t begin) {
  CodePoint point = ReadCodePoint(text, begin);
  size_t end = begin + point.length;
  utf8proc_int32_t state = 0;
  while (end < text.size()) {
    const CodePoint next = ReadCodePoint(text, end);
    if (utf8proc_grapheme_break_stateful(point.value, next.value, &state)) break;
    point = next;
    end += next.length;
  }
  return end;
}

}  // namespace

absl::StatusOr<Normalizer> Normalizer::FromJson(const Json& json) {
  Normalizer normalizer;
  if (json.is_null()) return normalizer;
  ASSIGN_OR_RETURN(const std::string type, JsonString(json, "type", "normalizer"));
  if (type == "Sequence") {
    if (!json.contains("normalizers") || !json["normalizers"].is_array()) {
      return absl::InvalidArgumentError("normalizer: Sequence without a list `normalizers`");
    }
    for (const Json& part : json["normalizers"]) {
      ASSIGN_OR_RETURN(const Normalizer inner, FromJson(part));
      normalizer.forms_.insert(normalizer.forms_.end(), inner.forms_.begin(), inner.forms_.end());
    }
    return normalizer;
  }
  constexpr std::pair<absl::string_view, Form> kForms[] = {
      {"NFC", Form::kNfc}, {"NFD", Form::kNfd}, {"NFKC", Form::kNfkc}, {"NFKD", Form::kNfkd}};
  for (const auto& [name, form] : kForms) {
    if (type == name) {
      normalizer.forms_.push_back(form);
      return normalizer;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("normalizer: type ", type, " is not supported; expected NFC, NFD, NFKC, NFKD or Sequence"));
}

AlignedText Normalizer::ApplyForm(Form form, absl::string_view text) {
  const bool composes = form == Form::kNfc || form == Form::kNfkc;
  const bool compatible = form == Form::kNfkc || form == Form::kNfkd;
  const int options =
      UTF8PROC_STABLE | (composes ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) | (compatible ? UTF8PROC_COMPAT : 0);
  AlignedText result;
  result.text = Mapped(text, options);
  if (result.text == text) return result;
  result.text.clear();
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = ClusterEnd(text, begin);
    const absl::string_view cluster = text.substr(begin, end - begin);
    const std::string mapped = Mapped(cluster, options);
    const ByteSpan origin{static_cast<int64_t>(begin), static_cast<int64_t>(end)};
    for (size_t i = 0; mapped != cluster && i < mapped.size(); ++i) result.Append(mapped.substr(i, 1), origin);
    if (mapped == cluster) result.Append(mapped, origin);
    begin = end;
  }
  return result;
}

AlignedText Normalizer::Apply(absl::string_view text) const {
  AlignedText result;
  result.text.assign(text.data(), text.size());
  for (const Form form : forms_) {
    AlignedText next = ApplyForm(form, result.text);
    if (next.origins.empty()) continue;
    for (ByteSpan& origin : next.origins) origin = result.Origin(origin);
    result = std::move(next);
  }
  return result;
}

}  // namespace plumb
