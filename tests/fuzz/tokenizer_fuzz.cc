#include "absl/strings/match.h"
#include "base/check.h"
#include "tests/fuzz/fuzz_targets.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace plumb::fuzz {
namespace {

// A pattern may take its match limit at each place of a text; longer ones would be waited for, not fuzzed.
constexpr size_t kMaxTextBytes = 256;
constexpr absl::string_view kText =
    "The 1st caf\xC3\xA9,\r\n\n  \t12345 \xE4\xB8\xAD\xE6\x96\x87 <s> don't\xFF \xF0\x9F\x99\x82 x";

void CheckSpans(const EncodedText& encoded, absl::string_view text, const Tokenizer& tokenizer) {
  PLUMB_CHECK(encoded.ids.size() == encoded.spans.size());
  for (size_t i = 0; i < encoded.ids.size(); ++i) {
    const ByteSpan span = encoded.spans[i];
    PLUMB_CHECK(encoded.ids[i] >= 0 && encoded.ids[i] < tokenizer.size()) << encoded.ids[i];
    PLUMB_CHECK(span.begin >= 0 && span.begin <= span.end) << span.begin << " to " << span.end;
    PLUMB_CHECK(span.end <= static_cast<int64_t>(text.size())) << span.end << " of " << text.size();
  }
}

void CheckDecoding(const std::vector<int64_t>& ids, bool skip_special_tokens, const Tokenizer& tokenizer) {
  const std::string whole = tokenizer.Decode(ids, skip_special_tokens);
  PLUMB_CHECK(IsValidUtf8(whole));
  StreamDecoder decoder(tokenizer, skip_special_tokens);
  std::string streamed;
  for (const int64_t id : ids) streamed += decoder.Push(id);
  streamed += decoder.Finish();
  PLUMB_CHECK(streamed == whole) << "\"" << streamed << "\" streamed, \"" << whole << "\" at once";
}

void CheckText(absl::string_view text, const Tokenizer& tokenizer) {
  for (const bool special : {false, true}) {
    const auto encoded = tokenizer.Encode(text, /*add_special_tokens=*/special);
    if (!encoded.ok()) {
      PLUMB_CHECK(encoded.status().code() == absl::StatusCode::kResourceExhausted) << encoded.status();
      return;
    }
    CheckSpans(*encoded, text, tokenizer);
    CheckDecoding(encoded->ids, /*skip_special_tokens=*/special, tokenizer);
  }
}

}  // namespace

void FuzzTokenizer(absl::string_view input) {
  const size_t end = input.find('\0');
  const auto tokenizer = Tokenizer::Parse(input.substr(0, end), "f");
  if (!tokenizer.ok()) {
    PLUMB_CHECK(tokenizer.status().code() == absl::StatusCode::kInvalidArgument) << tokenizer.status();
    PLUMB_CHECK(absl::StartsWith(tokenizer.status().message(), "f: ")) << tokenizer.status();
    return;
  }
  CheckText(kText, **tokenizer);
  if (end != absl::string_view::npos) CheckText(input.substr(end + 1, kMaxTextBytes), **tokenizer);
  std::vector<int64_t> ids;
  for (int64_t id = -1; id < std::min<int64_t>((*tokenizer)->size() + 1, 512); ++id) ids.push_back(id);
  CheckDecoding(ids, /*skip_special_tokens=*/false, **tokenizer);
}

}  // namespace plumb::fuzz
