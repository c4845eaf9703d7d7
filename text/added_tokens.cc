#include "text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "text/unicode.h"

namespace plumb {
namespace {

// The code point that ends before `end`; -1 at the start of the text.
CodePoint CodePointBefore(absl::string_view text, size_t end) {
  if (end == 0) return {};
  size_t begin = end - 1;
  while (begin > 0 && (static_cast<uint8_t>(text[begin]) & 0xC0) == 0x80) --begin;
  return ReadCodePoint(text, begin);
}

bool IsSingleWord(absl::string_view text, size_t begin, size_t end) {
  if (begin > 0 && IsWordPart(CodePointBefore(text, begin).value)) return false;
  return end == text.size() || !IsWordPart(ReadCodePoint(text, end).value);
}

size_t SkipSpaceLeft(absl::string_view text, size_t begin, size_t limit) {
  while (begin > limit) {
    const CodePoint point = CodePointBefore(text, begin);
    if (point.value < 0 || !IsWhitespace(point.value)) break;
    begin -= point.length;
  }
  return std::max(begin, limit);
}

size_t SkipSpaceRight(absl::string_view text, size_t end) {
  while (end < text.size()) {
    const CodePoint point = ReadCodePoint(text, end);
    if (point.value < 0 || !IsWhitespace(point.value)) break;
    end += point.length;
  }
  return end;
}

ByteSpan Span(size_t begin, size_t end) { return {static_cast<int64_t>(begin), static_cast<int64_t>(end)}; }

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens)
    : tokens_(std::move(tokens)), token_of_node_(1, -1) {
  for (size_t t = 0; t < tokens_.size(); ++t) {
    if (tokens_[t].content.empty()) continue;
    uint64_t node = 0;
    for (const char c : tokens_[t].content) {
      const uint64_t key = node << 8 | static_cast<uint8_t>(c);
      const auto [child, is_new] = children_.try_emplace(key, static_cast<uint32_t>(token_of_node_.size()));
      if (is_new) token_of_node_.push_back(-1);
      node = child->second;
    }
    token_of_node_[node] = static_cast<int64_t>(t);
    first_bytes_[static_cast<uint8_t>(tokens_[t].content[0])] = true;
  }
}

const AddedToken* AddedTokenMatcher::LongestAt(absl::string_view text, size_t begin) const {
  const AddedToken* longest = nullptr;
  uint64_t node = 0;
  for (size_t i = begin; i < text.size(); ++i) {
    const auto child = children_.find(node << 8 | static_cast<uint8_t>(text[i]));
    if (child == children_.end()) break;
    node = child->second;
    if (token_of_node_[node] >= 0) longest = &tokens_[token_of_node_[node]];
  }
  return longest;
}

std::vector<TextPart> AddedTokenMatcher::Split(absl::string_view text) const {
  std::vector<TextPart> parts;
  size_t covered = 0;
  for (size_t i = 0; i < text.size();) {
    const AddedToken* token = first_bytes_[static_cast<uint8_t>(text[i])] ? LongestAt(text, i) : nullptr;
    if (token == nullptr) {
      ++i;
      continue;
    }
    size_t begin = i;
    size_t end = i + token->content.size();
    i = end;
    if (token->single_word && !IsSingleWord(text, begin, end)) continue;
    // A token of white space may already have been taken along by the token before it.
    if (begin < covered) continue;
    if (token->lstrip) begin = SkipSpaceLeft(text, begin, covered);
    if (token->rstrip) end = SkipSpaceRight(text, end);
    if (covered < begin) parts.push_back({-1, Span(covered, begin)});
    parts.push_back({token->id, Span(begin, end)});
    covered = end;
  }
  if (covered < text.size()) parts.push_back({-1, Span(covered, text.size())});
  return parts;
}

}  // namespace plumb
