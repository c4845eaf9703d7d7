#ifndef PLUMB_TEXT_CHAT_TEMPLATE_H_
#define PLUMB_TEXT_CHAT_TEMPLATE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "text/tokenizer.h"

namespace plumb {

struct RenderedChat {
  std::string text;
  std::vector<ByteSpan> assistant_spans;  // of {% generation %} blocks; empty where the template has none
};

// The Jinja subset of published chat templates. Templates are untrusted: their size, depth and output are bounded, and
// their steps, which bound time and memory. Immutable, thread-safe.
class ChatTemplate {
 public:
  // Errors: kInvalidArgument with line and column.
  static absl::StatusOr<std::unique_ptr<ChatTemplate>> Parse(absl::string_view source);
  virtual ~ChatTemplate() = default;

  // `variables` is an object: messages, add_generation_prompt, bos_token, eos_token, tools, ...
  // Errors: kInvalidArgument for raise_exception (its message) and for what fails while rendering; kResourceExhausted.
  virtual absl::StatusOr<RenderedChat> Render(const Json& variables) const = 0;
  virtual bool has_generation_blocks() const = 0;
};

}  // namespace plumb

#endif  // PLUMB_TEXT_CHAT_TEMPLATE_H_
