#include "tools/bench/bench_prompts.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "tools/bench/bench_model.h"

namespace plumb::cli {
namespace {

constexpr int64_t kTriesPerPrompt = 50;

}  // namespace

absl::StatusOr<std::vector<std::string>> ExactPrompts(const TextCodec& codec, int64_t count, int64_t length) {
  const Tokenizer& tokenizer = codec.tokenizer();
  std::vector<std::string> prompts;
  std::set<std::string> seen;
  for (int64_t row = 0; row < count * kTriesPerPrompt && static_cast<int64_t>(prompts.size()) < count; ++row) {
    // Ids that were drawn are rarely those that their text encodes to; a piece of what it does encode to mostly is.
    const std::string drawn = tokenizer.Decode(BenchIds(row, 2 * length, tokenizer.size()), false);
    ASSIGN_OR_RETURN(std::vector<int64_t> ids, codec.EncodeText(drawn, /*add_special_tokens=*/true));
    ids.resize(std::min<size_t>(ids.size(), static_cast<size_t>(length)));
    const std::string text = tokenizer.Decode(ids, /*skip_special_tokens=*/true);
    ASSIGN_OR_RETURN(const std::vector<int64_t> again, codec.EncodeText(text, /*add_special_tokens=*/true));
    const bool exact = static_cast<int64_t>(again.size()) == length;
    if (exact && seen.insert(text).second) prompts.push_back(text);
  }
  if (static_cast<int64_t>(prompts.size()) < count) {
    return absl::FailedPreconditionError(absl::StrCat("the tokenizer gave ", prompts.size(), " texts of exactly ",
                                                      length, " tokens, expected ", count, "; give prompts as rows"));
  }
  return prompts;
}

}  // namespace plumb::cli
