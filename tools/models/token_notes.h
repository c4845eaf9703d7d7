#ifndef PLUMB_TOOLS_MODELS_TOKEN_NOTES_H_
#define PLUMB_TOOLS_MODELS_TOKEN_NOTES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/model_config.h"
#include "text/text_codec.h"

namespace plumb::cli {

// Where the files of a model folder do not say the same of the tokens that begin and end texts, and what is done then:
// the tokenizer's BOS is used; the ids of generation_config.json, else of config.json, and the tokenizer's EOS end a
// completion; add_eos_token is not obeyed. Nothing of it is wrong by itself, but other programs may decide otherwise.
// Errors: those of reading generation_config.json and tokenizer_config.json.
absl::StatusOr<std::vector<std::string>> TokenNotes(const std::string& folder, const ModelConfig& config,
                                                    const TextCodec& codec);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_MODELS_TOKEN_NOTES_H_
