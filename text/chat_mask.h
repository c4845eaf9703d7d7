#ifndef PLUMB_TEXT_CHAT_MASK_H_
#define PLUMB_TEXT_CHAT_MASK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "text/tokenizer.h"

// Which tokens of a rendered chat are trained.
namespace plumb {

// Renders a list of messages, with the generation prompt or without.
using RenderMessages = std::function<absl::StatusOr<std::string>(const Json& messages, bool add_generation_prompt)>;

// Where the assistant's messages stand in `full`, the rendering of `messages`: from the end of what is rendered with
// the generation prompt before the message, to the end of what is rendered with the message.
// Errors: kInvalidArgument, naming the message, where these are not beginnings of each other and of `full`.
absl::StatusOr<std::vector<ByteSpan>> AssistantSpansByPrefixes(const Json& messages, const std::string& full,
                                                               const RenderMessages& render);

// True for tokens that lie inside of one of the spans, which ascend.
std::vector<bool> MaskOfSpans(const EncodedText& encoded, const std::vector<ByteSpan>& spans);

// Checks that no span stops right before an end token without having one of its own: a template that prints the end of
// a message only when more messages follow would train a model never to stop.
// Errors: kInvalidArgument, with the place in the text.
absl::Status CheckEnds(const EncodedText& encoded, const std::vector<ByteSpan>& spans,
                       const std::vector<int64_t>& end_ids);

// Takes out what stands behind the last end token of each span, such as a newline that a template prints there.
void TrimBehindEnd(const EncodedText& encoded, const std::vector<ByteSpan>& spans, const std::vector<int64_t>& end_ids,
                   std::vector<bool>* mask);

}  // namespace plumb

#endif  // PLUMB_TEXT_CHAT_MASK_H_
