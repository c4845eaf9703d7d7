#include "text/tokenizer.h"
#include "text/unicode.h"

namespace plumb {

std::string StreamDecoder::Push(int64_t id) {
  if (skip_special_tokens_ && tokenizer_.IsSpecial(id)) return "";
  pending_ += tokenizer_.TokenBytes(id);
  size_t ready = 0;
  while (ready < pending_.size()) {
    const CodePoint point = ReadCodePoint(pending_, ready);
    if (point.cut_off) break;
    ready += point.length;
  }
  std::string text = ReplaceInvalidUtf8(absl::string_view(pending_).substr(0, ready));
  pending_.erase(0, ready);
  return text;
}

std::string StreamDecoder::Finish() {
  std::string text = ReplaceInvalidUtf8(pending_);
  pending_.clear();
  return text;
}

}  // namespace plumb
