#include "text/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "text/unicode_additions.h"

namespace plumb {
namespace {

// A text may grow by Prepend and Replace steps, and a little by the forms of Unicode; but not without end.
constexpr size_t kMaxGrowth = 32;
constexpr size_t kAlwaysAllowedBytes = 1 << 12;
constexpr int kMaxMarks = 1000;

void AppendMapped(absl::string_view text, int options, std::string* result) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &mapped, static_cast<utf8proc_option_t>(options));
  PLUMB_CHECK(length >= 0) << "normalizing " << text.size() << " bytes: " << utf8proc_errmsg(length);
  result->append(reinterpret_cast<const char*>(mapped), length);
  std::free(mapped);
}

// What a form makes of `text`, run by run between the characters that it does not know.
std::string Mapped(absl::string_view text, int options) {
  std::string result;
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = ReadCodePoint(text, i);
    if (IsUnknownToNormalForms(point.value)) {
      AppendMapped(text.substr(begin, i - begin), options, &result);
      result.append(text.data() + i, point.length);
      begin = i + point.length;
    }
    i += point.length;
  }
  AppendMapped(text.substr(begin), options, &result);
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

// Whether every character of `text` stays as it is under NFC whatever stands beside it: what most texts are made of.
// Blocks without combining marks, decompositions or parts of compositions.
bool IsPlainText(absl::string_view text) {
  struct Block {
    int32_t first;
    int32_t last;
  };
  constexpr Block kBlocks[] = {{0x80, 0x2FF},    {0x400, 0x482},    {0x2010, 0x2027}, {0x3001, 0x3020},
                               {0x3041, 0x3096}, {0x30A1, 0x30FA},  {0x3400, 0x9FFF}, {0xAC00, 0xD7A3},
                               {0xFF01, 0xFF5E}, {0x1F300, 0x1FAFF}};
  for (size_t i = 0; i < text.size();) {
    if (static_cast<uint8_t>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const CodePoint point = ReadCodePoint(text, i);
    const bool known = std::any_of(std::begin(kBlocks), std::end(kBlocks), [&](const Block& block) {
      return point.value >= block.first && point.value <= block.last;
    });
    if (!known) return false;
    i += point.length;
  }
  return true;
}

bool IsAscii(absl::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) >= 0x80; });
}

// Where the run of ASCII that begins at `begin` ends, less its last character, which what follows may combine with.
size_t AsciiRunEnd(absl::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && static_cast<uint8_t>(text[end]) < 0x80) ++end;
  return end == text.size() || end == begin ? end : end - 1;
}

ByteSpan Span(size_t begin, size_t end) { return {static_cast<int64_t>(begin), static_cast<int64_t>(end)}; }

// The same text: no origins.
AlignedText Unchanged(absl::string_view text) {
  AlignedText result;
  result.text.assign(text.data(), text.size());
  return result;
}

AlignedText Prepended(absl::string_view content, absl::string_view text) {
  AlignedText result;
  if (text.empty()) return result;
  result.Append(content, {0, 0});
  result.Append(text, Span(0, text.size()));
  return result;
}

AlignedText Stripped(absl::string_view text, bool left, bool right) {
  size_t begin = 0;
  size_t end = 0;  // behind the last character that is not white space
  bool started = !left;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = ReadCodePoint(text, i);
    i += point.length;
    if (IsWhitespace(point.value)) {
      if (!started) begin = i;
      continue;
    }
    started = true;
    end = i;
  }
  if (!right) end = text.size();
  if (begin >= end) return {};
  if (begin == 0 && end == text.size()) return Unchanged(text);
  AlignedText result;
  result.Append(text.substr(begin, end - begin), Span(begin, end));
  return result;
}

absl::Status CheckGrowth(size_t bytes, size_t text_bytes) {
  const size_t allowed = kMaxGrowth * text_bytes + kAlwaysAllowedBytes;
  if (bytes <= allowed) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("normalizer: makes ", bytes, " bytes out of ", text_bytes, ", at most ", allowed, " are allowed"));
}

// Putting marks into their order takes quadratic time.
absl::Status CheckMarks(absl::string_view text) {
  int marks = 0;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = ReadCodePoint(text, i);
    i += point.length;
    marks = utf8proc_get_property(point.value)->combining_class == 0 ? 0 : marks + 1;
    if (marks > kMaxMarks) {
      return absl::ResourceExhaustedError(
          absl::StrCat("normalizer: more than ", kMaxMarks, " combining marks behind each other, before byte ", i));
    }
  }
  return absl::OkStatus();
}

AlignedText Replaced(absl::string_view text, const std::vector<ByteSpan>& matches, const std::string& content) {
  if (matches.empty()) return Unchanged(text);
  AlignedText result;
  size_t covered = 0;
  for (const ByteSpan match : matches) {
    result.Append(text.substr(covered, match.begin - covered), Span(covered, match.begin));
    for (const char byte : content) result.Append(absl::string_view(&byte, 1), match);
    covered = match.end;
  }
  result.Append(text.substr(covered), Span(covered, text.size()));
  return result;
}

}  // namespace

absl::StatusOr<Normalizer> Normalizer::FromJson(const Json& json) {
  Normalizer normalizer;
  if (!json.is_null()) RETURN_IF_ERROR(normalizer.Add(json));
  return normalizer;
}

absl::Status Normalizer::Add(const Json& json) {
  ASSIGN_OR_RETURN(const std::string type, JsonString(json, "type", "normalizer"));
  if (type == "Sequence") {
    if (!json.contains("normalizers") || !json["normalizers"].is_array()) {
      return absl::InvalidArgumentError("normalizer: Sequence without a list `normalizers`");
    }
    for (const Json& part : json["normalizers"]) RETURN_IF_ERROR(Add(part));
    return absl::OkStatus();
  }
  Step step;
  if (type == "Prepend") {
    step.kind = Kind::kPrepend;
    ASSIGN_OR_RETURN(step.content, JsonString(json, "prepend", "normalizer Prepend"));
  } else if (type == "Replace") {
    ASSIGN_OR_RETURN(step, ReadReplace(json));
  } else if (type == "Strip") {
    step.kind = Kind::kStrip;
    ASSIGN_OR_RETURN(step.strip_left, JsonBool(json, "strip_left", "normalizer Strip"));
    ASSIGN_OR_RETURN(step.strip_right, JsonBool(json, "strip_right", "normalizer Strip"));
  } else {
    constexpr std::pair<absl::string_view, Kind> kForms[] = {
        {"NFC", Kind::kNfc}, {"NFD", Kind::kNfd}, {"NFKC", Kind::kNfkc}, {"NFKD", Kind::kNfkd}};
    const auto* found =
        std::find_if(std::begin(kForms), std::end(kForms), [&](const auto& form) { return form.first == type; });
    if (found == std::end(kForms)) {
      return absl::InvalidArgumentError(
          absl::StrCat("normalizer: type ", type,
                       " is not supported; expected NFC, NFD, NFKC, NFKD, Prepend, Replace, Strip or Sequence"));
    }
    step.kind = found->second;
  }
  steps_.push_back(std::move(step));
  return absl::OkStatus();
}

absl::StatusOr<Normalizer::Step> Normalizer::ReadReplace(const Json& json) {
  Step step;
  step.kind = Kind::kReplace;
  ASSIGN_OR_RETURN(step.content, JsonString(json, "content", "normalizer Replace"));
  ASSIGN_OR_RETURN(step.pattern, Pattern::FromJson(json, "normalizer Replace"));
  return step;
}

AlignedText Normalizer::ApplyForm(Kind form, absl::string_view text) {
  const bool composes = form == Kind::kNfc || form == Kind::kNfkc;
  const bool compatible = form == Kind::kNfkc || form == Kind::kNfkd;
  if (IsAscii(text) || (form == Kind::kNfc && IsPlainText(text))) return Unchanged(text);
  const int options =
      UTF8PROC_STABLE | (composes ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) | (compatible ? UTF8PROC_COMPAT : 0);
  AlignedText result;
  result.text = Mapped(text, options);
  if (result.text == text) return result;
  result.text.clear();
  for (size_t begin = 0; begin < text.size();) {
    const size_t run = AsciiRunEnd(text, begin);
    if (run > begin) {
      result.Append(text.substr(begin, run - begin), Span(begin, run));
      begin = run;
      continue;
    }
    const size_t end = ClusterEnd(text, begin);
    const absl::string_view cluster = text.substr(begin, end - begin);
    const std::string mapped = Mapped(cluster, options);
    for (size_t i = 0; mapped != cluster && i < mapped.size(); ++i)
      result.Append(mapped.substr(i, 1), Span(begin, end));
    if (mapped == cluster) result.Append(mapped, Span(begin, end));
    begin = end;
  }
  return result;
}

absl::StatusOr<AlignedText> Normalizer::ApplyStep(const Step& step, absl::string_view text, size_t original_bytes,
                                                  PatternSearch& search) {
  if (step.kind == Kind::kPrepend) return Prepended(step.content, text);
  if (step.kind == Kind::kStrip) return Stripped(text, step.strip_left, step.strip_right);
  if (step.kind != Kind::kReplace) {
    if (!IsAscii(text) && !IsPlainText(text)) RETURN_IF_ERROR(CheckMarks(text));
    return ApplyForm(step.kind, text);
  }
  std::vector<ByteSpan> matches;
  RETURN_IF_ERROR(step.pattern->FindAll(text, search, &matches));
  RETURN_IF_ERROR(CheckGrowth(text.size() + matches.size() * step.content.size(), original_bytes));
  return Replaced(text, matches, step.content);
}

absl::StatusOr<AlignedText> Normalizer::Apply(absl::string_view text, PatternSearch& search) const {
  AlignedText result = Unchanged(text);
  for (const Step& step : steps_) {
    ASSIGN_OR_RETURN(AlignedText next, ApplyStep(step, result.text, text.size(), search));
    RETURN_IF_ERROR(CheckGrowth(next.text.size(), text.size()));
    if (next.origins.empty() && next.text == result.text) continue;
    for (ByteSpan& origin : next.origins) origin = result.Origin(origin);
    result = std::move(next);
  }
  return result;
}

}  // namespace plumb
