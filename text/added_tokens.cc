#include "text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
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

CodePoint CodePointAt(absl::string_view text, size_t position) {
  return position < text.size() ? ReadCodePoint(text, position) : CodePoint();
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

// \w of the regular expressions that the library looks for words with, which are not Oniguruma's.
constexpr absl::string_view kWordPart = R"([\p{Alphabetic}\p{L}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}])";

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
  if (std::none_of(tokens_.begin(), tokens_.end(), [](const AddedToken& token) { return token.single_word; })) return;
  absl::StatusOr<std::unique_ptr<Pattern>> word_part = Pattern::Compile(kWordPart);
  PLUMB_CHECK(word_part.ok()) << word_part.status();
  word_part_ = *std::move(word_part);
}

bool AddedTokenMatcher::IsSingleWord(absl::string_view text, size_t begin, size_t end) const {
  PatternSearch search;
  std::vector<ByteSpan> found;
  for (const CodePoint& neighbour : {CodePointBefore(text, begin), CodePointAt(text, end)}) {
    std::string character;
    if (neighbour.value >= 0) AppendUtf8(neighbour.value, &character);
    // A class on one character runs into no limit.
    PLUMB_CHECK(word_part_->FindAll(character, search, &found).ok()) << character;
  }
  return found.empty();
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
    if (token->lstrip) begin = SkipSpaceLeft(text, begin, covered);
    // The library fails here.
    if (begin >= end) continue;
    if (token->rstrip) end = SkipSpaceRight(text, end);
    if (covered < begin) parts.push_back({-1, Span(covered, begin)});
    parts.push_back({token->id, Span(begin, end)});
    covered = end;
  }
  if (covered < text.size()) parts.push_back({-1, Span(covered, text.size())});
  return parts;
}

}  // namespace plumb
