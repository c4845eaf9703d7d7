#ifndef PLUMB_TESTS_FUZZ_FUZZ_TARGETS_H_
#define PLUMB_TESTS_FUZZ_FUZZ_TARGETS_H_

#include "absl/strings/string_view.h"

// The readers of files that others wrote, each fed with one text. A target returns for every text, in bounded time and
// memory; it aborts where a reader breaks its contract. tools/fuzz.sh runs them under libFuzzer; corpus_replay_test.cc
// runs them over tests/fuzz/corpus/NAME.
namespace plumb::fuzz {

// A safetensors file: what opens is read to its last byte, written, and opened again to the same tensors.
void FuzzSafetensors(absl::string_view input);

// A tokenizer.json; behind the first NUL, if there is one, a text for it. Encodes, and decodes at once and streamed.
void FuzzTokenizer(absl::string_view input);

// A chat template, rendered with and without the generation prompt.
void FuzzChatTemplate(absl::string_view input);

// A run configuration, read by every schema; behind each NUL an override. What is accepted reads back from its own
// resolved form.
void FuzzRunConfig(absl::string_view input);

// A config.json: what is accepted has sizes and tables that can be computed.
void FuzzModelConfig(absl::string_view input);

void FuzzYaml(absl::string_view input);

// What is accepted reads back from its own dump.
void FuzzJson(absl::string_view input);

}  // namespace plumb::fuzz

#endif  // PLUMB_TESTS_FUZZ_FUZZ_TARGETS_H_
