#ifndef PLUMB_TEXT_TEXT_CODEC_H_
#define PLUMB_TEXT_TEXT_CODEC_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace plumb {

struct EncodedChat {
  std::string text;
  std::vector<int64_t> ids;
  std::vector<bool> train_mask;  // true on every token of assistant texts and the token that ends them
};

// What turns text and chats into ids: the tokenizer.json, tokenizer_config.json and chat template of a policy folder.
// Immutable, thread-safe.
class TextCodec {
 public:
  // `folder` holds tokenizer.json and, where there is one, tokenizer_config.json (its chat_template, bos_token,
  // eos_token, add_bos_token) or chat_template.jinja, and generation_config.json / config.json (eos_token_id).
  // Errors: kNotFound where there is no tokenizer.json; kInvalidArgument for settings of a wrong type, tokens and ids
  // that the model does not have, an add_bos_token without a BOS, and links and pipes in place of files.
  static absl::StatusOr<std::unique_ptr<TextCodec>> Load(const std::string& folder);

  const Tokenizer& tokenizer() const { return *tokenizer_; }
  bool has_chat_template() const { return chat_template_ != nullptr; }
  // Ids that end a completion, ascending.
  const std::vector<int64_t>& end_ids() const { return end_ids_; }
  // The id that SFT puts behind a completion: tokenizer_config's eos_token, else the first of end_ids(); -1 where none.
  int64_t eos_id() const { return eos_id_; }
  // -1 where none.
  int64_t bos_id() const { return bos_id_; }

  // Plain text. With `add_special_tokens` the post-processor and add_bos_token are obeyed, but for a BOS in front of a
  // text that begins with it, as one that a chat template rendered does: no model has seen two.
  absl::StatusOr<std::vector<int64_t>> EncodeText(absl::string_view text, bool add_special_tokens) const;

  // `messages` is a list of {role, content}. The text is encoded once, without special tokens (templates print their
  // own). The mask comes from {% generation %} blocks, otherwise from rendering prefixes of the messages; the latter
  // only without `add_generation_prompt`, since a prompt trains nothing: with it the mask is all false.
  // Errors: kFailedPrecondition without a template; kInvalidArgument where the mask would be ambiguous.
  absl::StatusOr<EncodedChat> EncodeChat(const Json& messages, bool add_generation_prompt) const;

 private:
  TextCodec() = default;
  absl::Status ReadSettings(const std::string& folder, const Json& config);
  absl::Status ReadSpecialTokens(const Json& config);
  absl::Status ReadEndIds(const std::string& folder);
  absl::StatusOr<RenderedChat> Render(const Json& messages, bool add_generation_prompt) const;

  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<ChatTemplate> chat_template_;
  Json token_texts_;  // bos_token, eos_token, ... as templates see them
  bool add_bos_token_ = false;
  int64_t bos_id_ = -1;
  int64_t eos_id_ = -1;
  std::vector<int64_t> end_ids_;
};

}  // namespace plumb

#endif  // PLUMB_TEXT_TEXT_CODEC_H_
