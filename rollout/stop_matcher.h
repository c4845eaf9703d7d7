#ifndef PLUMB_ROLLOUT_STOP_MATCHER_H_
#define PLUMB_ROLLOUT_STOP_MATCHER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rollout/generation.h"
#include "text/tokenizer.h"

namespace plumb {

// When a completion ends: what all sequences of a request share. Immutable after construction.
struct StopRules {
  std::vector<int64_t> stop_ids;  // ascending: end tokens, unless they are ignored, and the request's own
  std::vector<std::string> stop_strings;
  int64_t max_new_tokens = 0;
};

StopRules MakeStopRules(const SamplingOptions& sampling, const std::vector<int64_t>& end_ids);

struct Stop {
  FinishReason reason = FinishReason::kLength;
  std::string stop;  // the stop string, or the text of the stopping token
  std::string text;  // of the whole completion, without the stopping token or string
};

// Follows one completion token by token and says when it ends. Token ids are the truth; stop strings are looked for in
// the text that they give, over the borders of tokens. Not thread-safe.
class StopMatcher {
 public:
  // `rules` and `tokenizer` live longer. Without a tokenizer there are no texts, and `rules` has no stop strings.
  StopMatcher(const StopRules& rules, const Tokenizer* tokenizer);

  // The next token. Returns a value where it ends the completion: a stop id, the earliest stop string that its text
  // completes (the first listed where several begin at one place), or the last token allowed.
  std::optional<Stop> Push(int64_t id);

  // Ends the completion where it stands.
  Stop Cancel();

 private:
  std::string TakeText();

  const StopRules& rules_;
  const Tokenizer* const tokenizer_;
  std::optional<StreamDecoder> decoder_;
  std::string text_;
  int64_t num_tokens_ = 0;
  size_t longest_stop_ = 0;
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_STOP_MATCHER_H_
