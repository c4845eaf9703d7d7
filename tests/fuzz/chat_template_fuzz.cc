#include "base/check.h"
#include "base/json.h"
#include "tests/fuzz/fuzz_targets.h"
#include "text/chat_template.h"
#include "text/unicode.h"

namespace plumb::fuzz {
namespace {

constexpr absl::string_view kVariables = R"({
  "messages": [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is 1 + 1?\n"},
    {"role": "assistant", "content": "<think>easy</think>2", "reasoning_content": "easy"},
    {"role": "user", "content": [{"type": "text", "text": "und 2 \u00e9?"}, {"type": "image"}]},
    {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "id": "c1",
      "function": {"name": "add", "arguments": {"a": 1, "b": [2.5, true, null]}}}]},
    {"role": "tool", "name": "add", "tool_call_id": "c1", "content": "3"}
  ],
  "tools": [{"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}],
  "bos_token": "<s>", "eos_token": "</s>", "enable_thinking": false, "documents": [], "date_string": "26 Jul 2024"
})";

void CheckSpans(const RenderedChat& chat) {
  for (const ByteSpan span : chat.assistant_spans) {
    PLUMB_CHECK(0 <= span.begin && span.begin <= span.end && span.end <= static_cast<int64_t>(chat.text.size()))
        << span.begin << " to " << span.end << " of " << chat.text.size();
  }
}

void CheckRefusal(const absl::Status& status) {
  const bool known =
      status.code() == absl::StatusCode::kInvalidArgument || status.code() == absl::StatusCode::kResourceExhausted;
  PLUMB_CHECK(known) << status;
}

}  // namespace

void FuzzChatTemplate(absl::string_view input) {
  const auto chat_template = ChatTemplate::Parse(input);
  if (!chat_template.ok()) return CheckRefusal(chat_template.status());
  static const Json& variables = *new Json(*ParseJson(kVariables, "variables"));
  for (const bool prompt : {false, true}) {
    Json given = variables;
    given["add_generation_prompt"] = prompt;
    const auto chat = (*chat_template)->Render(given);
    if (!chat.ok()) return CheckRefusal(chat.status());
    PLUMB_CHECK(IsValidUtf8(chat->text));
    PLUMB_CHECK(chat->assistant_spans.empty() || (*chat_template)->has_generation_blocks());
    CheckSpans(*chat);
  }
}

}  // namespace plumb::fuzz
