#include "text/tokenizer.h"

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/status_macros.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer_file.h"
#include "text/unicode.h"

namespace plumb {
namespace {

// Looking for a token takes up to its length at each place of a text.
constexpr size_t kMaxNormalizedBytes = 16384;

class BpeTokenizer final : public Tokenizer {
 public:
  // Errors: kResourceExhausted when normalizing an added token runs into a pattern's limit.
  static absl::StatusOr<std::unique_ptr<Tokenizer>> Create(TokenizerFile file);
  // `raw` and `normalized` are the added tokens by what they are looked for in.
  BpeTokenizer(TokenizerFile file, std::vector<AddedToken> raw, std::vector<AddedToken> normalized);

  absl::StatusOr<EncodedText> Encode(absl::string_view text, bool add_special_tokens) const override;
  std::string Decode(absl::Span<const int64_t> ids, bool skip_special_tokens) const override;
  std::string TokenBytes(int64_t id) const override { return Contains(id) ? tokens_[id].bytes : std::string(); }
  bool IsSpecial(int64_t id) const override { return Contains(id) && tokens_[id].special; }
  int64_t TokenId(absl::string_view token) const override;
  int64_t size() const override { return static_cast<int64_t>(tokens_.size()); }

 private:
  struct Token {
    std::string bytes;
    bool special = false;
  };
  struct EncodeScratch {
    PatternSearch search;
    BpeModel::Scratch bpe;
    std::vector<BpeToken> tokens;
  };

  bool Contains(int64_t id) const { return id >= 0 && id < size(); }
  void AddToken(const std::string& content, int64_t id, bool special);
  absl::Status EncodeSegment(absl::string_view text, EncodeScratch& scratch, EncodedText* result) const;
  absl::Status EncodePieces(absl::string_view text, EncodeScratch& scratch, EncodedText* result) const;

  const TokenizerFile file_;
  std::vector<Token> tokens_;  // by id
  absl::flat_hash_map<std::string, int64_t> added_ids_;
  const AddedTokenMatcher raw_matcher_;         // `normalized` false: looked for in the text as it is
  const AddedTokenMatcher normalized_matcher_;  // `normalized` true: looked for behind the normalizer
};

absl::StatusOr<std::unique_ptr<Tokenizer>> BpeTokenizer::Create(TokenizerFile file) {
  PatternSearch search;
  std::vector<AddedToken> raw, normalized;
  for (AddedToken& token : file.added_tokens) {
    token.decoded = token.content;
    if (!token.normalized) {
      raw.push_back(token);
      continue;
    }
    ASSIGN_OR_RETURN(AlignedText content, file.normalizer.Apply(token.content, search));
    if (content.text.size() > kMaxNormalizedBytes) {
      return absl::InvalidArgumentError(absl::StrCat("added_tokens: the token of id ", token.id, " has ",
                                                     content.text.size(), " bytes behind the normalizer, at most ",
                                                     kMaxNormalizedBytes));
    }
    token.decoded = std::move(content.text);
    normalized.push_back(token);
    normalized.back().content = token.decoded;
  }
  std::unique_ptr<Tokenizer> tokenizer =
      std::make_unique<BpeTokenizer>(std::move(file), std::move(raw), std::move(normalized));
  return tokenizer;
}

BpeTokenizer::BpeTokenizer(TokenizerFile file, std::vector<AddedToken> raw, std::vector<AddedToken> normalized)
    : file_(std::move(file)), raw_matcher_(std::move(raw)), normalized_matcher_(std::move(normalized)) {
  for (const auto& [token, id] : file_.model.vocabulary()) AddToken(token, id, false);
  for (const AddedToken& token : file_.added_tokens) {
    AddToken(token.decoded, token.id, token.special);
    added_ids_.emplace(token.content, token.id);
  }
}

void BpeTokenizer::AddToken(const std::string& content, int64_t id, bool special) {
  if (id >= size()) tokens_.resize(id + 1);
  tokens_[id] = {BytesOfToken(content).value_or(content), special};
}

// Maps what was appended to `result` since `first` through `map`, then moves it by `offset`.
void MapSpans(const AlignedText& map, int64_t offset, size_t first, EncodedText* result) {
  for (size_t i = first; i < result->spans.size(); ++i) {
    const ByteSpan origin = map.Origin(result->spans[i]);
    result->spans[i] = {origin.begin + offset, origin.end + offset};
  }
}

absl::StatusOr<EncodedText> BpeTokenizer::Encode(absl::string_view text, bool add_special_tokens) const {
  EncodedText result;
  EncodeScratch scratch;
  const AlignedText whole = ReplaceInvalidUtf8Aligned(text);
  const absl::string_view valid = whole.text;
  for (const TextPart& part : raw_matcher_.Split(valid)) {
    if (part.id >= 0) {
      result.ids.push_back(part.id);
      result.spans.push_back(part.span);
      continue;
    }
    const size_t first = result.ids.size();
    const absl::string_view segment = valid.substr(part.span.begin, part.span.end - part.span.begin);
    if (file_.normalizer.changes_nothing()) {
      RETURN_IF_ERROR(EncodeSegment(segment, scratch, &result));
      MapSpans({}, part.span.begin, first, &result);
      continue;
    }
    ASSIGN_OR_RETURN(const AlignedText normalized, file_.normalizer.Apply(segment, scratch.search));
    RETURN_IF_ERROR(EncodeSegment(normalized.text, scratch, &result));
    MapSpans(normalized, part.span.begin, first, &result);
  }
  if (!whole.origins.empty()) MapSpans(whole, 0, 0, &result);
  if (add_special_tokens) {
    result.ids.insert(result.ids.begin(), file_.ids_before.begin(), file_.ids_before.end());
    result.spans.insert(result.spans.begin(), file_.ids_before.size(), ByteSpan());
    result.ids.insert(result.ids.end(), file_.ids_after.begin(), file_.ids_after.end());
    const auto size = static_cast<int64_t>(text.size());
    result.spans.insert(result.spans.end(), file_.ids_after.size(), ByteSpan{size, size});
  }
  return result;
}

absl::Status BpeTokenizer::EncodeSegment(absl::string_view text, EncodeScratch& scratch, EncodedText* result) const {
  for (const TextPart& part : normalized_matcher_.Split(text)) {
    if (part.id >= 0) {
      result->ids.push_back(part.id);
      result->spans.push_back(part.span);
      continue;
    }
    const size_t first = result->ids.size();
    RETURN_IF_ERROR(EncodePieces(text.substr(part.span.begin, part.span.end - part.span.begin), scratch, result));
    MapSpans({}, part.span.begin, first, result);
  }
  return absl::OkStatus();
}

absl::Status BpeTokenizer::EncodePieces(absl::string_view text, EncodeScratch& scratch, EncodedText* result) const {
  ASSIGN_OR_RETURN(const std::vector<Piece> pieces, file_.pre_tokenizer.Split(text, scratch.search));
  for (const Piece& piece : pieces) {
    const absl::string_view bytes = text.substr(piece.span.begin, piece.span.end - piece.span.begin);
    scratch.tokens.clear();
    const int64_t added = piece.space_before ? 1 : 0;
    if (piece.space_before) {
      file_.model.Encode(absl::StrCat(" ", bytes), scratch.bpe, &scratch.tokens);
    } else {
      file_.model.Encode(bytes, scratch.bpe, &scratch.tokens);
    }
    for (const BpeToken& token : scratch.tokens) {
      result->ids.push_back(token.id);
      result->spans.push_back(
          {piece.span.begin + std::max<int64_t>(token.begin - added, 0), piece.span.begin + token.end - added});
    }
  }
  return absl::OkStatus();
}

std::string BpeTokenizer::Decode(absl::Span<const int64_t> ids, bool skip_special_tokens) const {
  std::string bytes;
  for (const int64_t id : ids) {
    if (!Contains(id) || (skip_special_tokens && tokens_[id].special)) continue;
    bytes += tokens_[id].bytes;
  }
  return ReplaceInvalidUtf8(bytes);
}

int64_t BpeTokenizer::TokenId(absl::string_view token) const {
  const auto added = added_ids_.find(token);
  if (added != added_ids_.end()) return added->second;
  const auto found = file_.model.vocabulary().find(token);
  return found == file_.model.vocabulary().end() ? -1 : found->second;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Load(const std::string& tokenizer_json_path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(tokenizer_json_path));
  return Parse(text, tokenizer_json_path);
}

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Parse(absl::string_view tokenizer_json, absl::string_view what) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(tokenizer_json, what));
  absl::StatusOr<TokenizerFile> file = ReadTokenizerFile(json);
  if (!file.ok()) return Annotate(file.status(), what);
  return BpeTokenizer::Create(*std::move(file));
}

}  // namespace plumb
