#include "rollout/stop_matcher.h"

#include <algorithm>
#include <utility>

namespace plumb {
namespace {

struct Match {
  size_t position = std::string::npos;
  const std::string* stop = nullptr;
};

Match FindStop(const std::string& text, const std::vector<std::string>& stops, size_t from) {
  Match first;
  for (const std::string& stop : stops) {
    const size_t position = text.find(stop, from);
    if (position < first.position) first = {position, &stop};
  }
  return first;
}

}  // namespace

StopRules MakeStopRules(const SamplingOptions& sampling, const std::vector<int64_t>& end_ids) {
  StopRules rules;
  rules.stop_ids = sampling.stop_ids;
  if (!sampling.ignore_end_tokens) rules.stop_ids.insert(rules.stop_ids.end(), end_ids.begin(), end_ids.end());
  std::sort(rules.stop_ids.begin(), rules.stop_ids.end());
  rules.stop_strings = sampling.stop_strings;
  rules.max_new_tokens = sampling.max_new_tokens;
  return rules;
}

StopMatcher::StopMatcher(const StopRules& rules, const Tokenizer* tokenizer) : rules_(rules), tokenizer_(tokenizer) {
  if (tokenizer != nullptr) decoder_.emplace(*tokenizer, /*skip_special_tokens=*/true);
  for (const std::string& stop : rules.stop_strings) longest_stop_ = std::max(longest_stop_, stop.size());
}

std::optional<Stop> StopMatcher::Push(int64_t id) {
  ++num_tokens_;
  if (std::binary_search(rules_.stop_ids.begin(), rules_.stop_ids.end(), id)) {
    std::string stop = tokenizer_ == nullptr ? "" : tokenizer_->Decode({id}, /*skip_special_tokens=*/false);
    return Stop{FinishReason::kStop, std::move(stop), TakeText()};
  }
  if (decoder_.has_value()) {
    const size_t searched = text_.size();
    text_ += decoder_->Push(id);
    // A stop that the new text completes begins at most its length minus one before it.
    const size_t from = searched + 1 > longest_stop_ ? searched + 1 - longest_stop_ : 0;
    const Match match = FindStop(text_, rules_.stop_strings, from);
    if (match.stop != nullptr) {
      text_.resize(match.position);
      return Stop{FinishReason::kStop, *match.stop, std::move(text_)};
    }
  }
  if (num_tokens_ < rules_.max_new_tokens) return std::nullopt;
  return Stop{FinishReason::kLength, "", TakeText()};
}

Stop StopMatcher::Cancel() { return Stop{FinishReason::kCancelled, "", TakeText()}; }

std::string StopMatcher::TakeText() {
  if (decoder_.has_value()) text_ += decoder_->Finish();
  return std::move(text_);
}

}  // namespace plumb
