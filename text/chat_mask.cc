#include "text/chat_mask.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

bool IsAssistant(const Json& message) {
  return message.is_object() && message.contains("role") && message["role"] == "assistant";
}

bool Lies(ByteSpan token, ByteSpan span) { return token.begin >= span.begin && token.end <= span.end; }

absl::Status Ambiguous(size_t message, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("messages[", message, "]: ", why,
                   ", so what to train on is ambiguous; a template with {% generation %} blocks tells"));
}

absl::Status NotRendered(const absl::Status& status, size_t message, absl::string_view which) {
  return Annotate(status,
                  absl::StrCat("rendering the messages ", which, " messages[", message, "], to see what to train on"));
}

}  // namespace

absl::StatusOr<std::vector<ByteSpan>> AssistantSpansByPrefixes(const Json& messages, const std::string& full,
                                                               const RenderMessages& render) {
  std::vector<ByteSpan> spans;
  Json prefix = Json::array();
  for (size_t i = 0; i < messages.size(); ++i) {
    const bool is_assistant = IsAssistant(messages[i]);
    std::string before;
    if (is_assistant) {
      absl::StatusOr<std::string> rendered = render(prefix, /*add_generation_prompt=*/true);
      if (!rendered.ok()) return NotRendered(rendered.status(), i, "before");
      before = *std::move(rendered);
    }
    prefix.push_back(messages[i]);
    if (!is_assistant) continue;
    const absl::StatusOr<std::string> rendered = render(prefix, /*add_generation_prompt=*/false);
    if (!rendered.ok()) return NotRendered(rendered.status(), i, "up to");
    const std::string& with = *rendered;
    if (!absl::StartsWith(with, before)) {
      return Ambiguous(i, "its rendering does not begin with the generation prompt");
    }
    if (!absl::StartsWith(full, with)) return Ambiguous(i, "it is rendered otherwise when more messages follow");
    spans.push_back({static_cast<int64_t>(before.size()), static_cast<int64_t>(with.size())});
  }
  return spans;
}

absl::Status CheckEnds(const EncodedText& encoded, const std::vector<ByteSpan>& spans,
                       const std::vector<int64_t>& end_ids) {
  const auto is_end = [&](size_t i) { return std::binary_search(end_ids.begin(), end_ids.end(), encoded.ids[i]); };
  size_t next = 0;
  for (const ByteSpan span : spans) {
    bool has_end = false;
    while (next < encoded.ids.size() && encoded.spans[next].begin < span.end) {
      has_end = has_end || (Lies(encoded.spans[next], span) && is_end(next));
      ++next;
    }
    const bool end_follows = next < encoded.ids.size() && encoded.spans[next].begin == span.end && is_end(next);
    if (has_end || !end_follows) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("the assistant's message at byte ", span.begin, " has its end token only when more messages ",
                     "follow, so whether it is trained is ambiguous; a template with {% generation %} blocks tells"));
  }
  return absl::OkStatus();
}

std::vector<bool> MaskOfSpans(const EncodedText& encoded, const std::vector<ByteSpan>& spans) {
  std::vector<bool> mask(encoded.ids.size(), false);
  size_t span = 0;
  for (size_t i = 0; i < mask.size(); ++i) {
    while (span < spans.size() && spans[span].end <= encoded.spans[i].begin) ++span;
    mask[i] = span < spans.size() && Lies(encoded.spans[i], spans[span]);
  }
  return mask;
}

void TrimBehindEnd(const EncodedText& encoded, const std::vector<ByteSpan>& spans, const std::vector<int64_t>& end_ids,
                   std::vector<bool>* mask) {
  size_t first = 0;
  for (const ByteSpan span : spans) {
    while (first < encoded.ids.size() && encoded.spans[first].begin < span.begin) ++first;
    size_t last = first;
    while (last < encoded.ids.size() && Lies(encoded.spans[last], span)) ++last;
    size_t end = last;
    while (end > first && !std::binary_search(end_ids.begin(), end_ids.end(), encoded.ids[end - 1])) --end;
    if (end > first) std::fill(mask->begin() + end, mask->begin() + last, false);
    first = last;
  }
}

}  // namespace plumb
