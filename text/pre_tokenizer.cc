#include "text/pre_tokenizer.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "text/unicode.h"

namespace plumb {
namespace {

// GPT-2's pattern, which ByteLevel applies with use_regex.
constexpr absl::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

void FindDigits(absl::string_view text, std::vector<ByteSpan>* matches) {
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = ReadCodePoint(text, i);
    const auto begin = static_cast<int64_t>(i);
    if (IsNumeric(point.value)) matches->push_back({begin, begin + point.length});
    i += point.length;
  }
}

ByteSpan Shifted(ByteSpan span, int64_t offset) { return {span.begin + offset, span.end + offset}; }

}  // namespace

absl::StatusOr<PreTokenizer> PreTokenizer::FromJson(const Json& json) {
  PreTokenizer result;
  if (json.is_null()) return absl::InvalidArgumentError("pre_tokenizer: null, expected one with ByteLevel");
  RETURN_IF_ERROR(result.Add(json));
  if (!result.has_byte_level_) {
    return absl::InvalidArgumentError("pre_tokenizer: no ByteLevel stage; only byte-level tokenizers are supported");
  }
  return result;
}

absl::Status PreTokenizer::Add(const Json& json) {
  ASSIGN_OR_RETURN(const std::string type, JsonString(json, "type", "pre_tokenizer"));
  if (type == "Sequence") {
    if (!json.contains("pretokenizers") || !json["pretokenizers"].is_array()) {
      return absl::InvalidArgumentError("pre_tokenizer: Sequence without a list `pretokenizers`");
    }
    for (const Json& part : json["pretokenizers"]) RETURN_IF_ERROR(Add(part));
    return absl::OkStatus();
  }
  if (has_byte_level_) {
    return absl::InvalidArgumentError(absl::StrCat("pre_tokenizer: ", type, " behind ByteLevel is not supported"));
  }
  if (type == "Split") return AddSplit(json);
  if (type == "ByteLevel") return AddByteLevel(json);
  if (type == "Digits") {
    ASSIGN_OR_RETURN(const bool alone, JsonBool(json, "individual_digits", "pre_tokenizer Digits"));
    stages_.push_back({nullptr, alone ? Behavior::kIsolated : Behavior::kContiguous, false});
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "pre_tokenizer: type ", type, " is not supported; expected Split, Digits, ByteLevel or Sequence of them"));
}

absl::Status PreTokenizer::AddSplit(const Json& json) {
  ASSIGN_OR_RETURN(const std::string behavior_name, JsonString(json, "behavior", "pre_tokenizer Split"));
  ASSIGN_OR_RETURN(const Behavior behavior, BehaviorFromName(behavior_name));
  ASSIGN_OR_RETURN(std::unique_ptr<Pattern> pattern, Pattern::FromJson(json, "pre_tokenizer Split"));
  ASSIGN_OR_RETURN(const bool invert, JsonBool(json, "invert", "pre_tokenizer Split"));
  stages_.push_back({std::move(pattern), behavior, invert});
  return absl::OkStatus();
}

absl::Status PreTokenizer::AddByteLevel(const Json& json) {
  has_byte_level_ = true;
  ASSIGN_OR_RETURN(add_prefix_space_, JsonBool(json, "add_prefix_space", "pre_tokenizer ByteLevel"));
  // Older files have no such field.
  if (json.contains("use_regex")) {
    ASSIGN_OR_RETURN(const bool use_regex, JsonBool(json, "use_regex", "pre_tokenizer ByteLevel"));
    if (!use_regex) return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(byte_level_pattern_, Pattern::Compile(kGpt2Pattern));
  return absl::OkStatus();
}

absl::StatusOr<PreTokenizer::Behavior> PreTokenizer::BehaviorFromName(absl::string_view name) {
  if (name == "Isolated") return Behavior::kIsolated;
  if (name == "Removed") return Behavior::kRemoved;
  if (name == "MergedWithPrevious") return Behavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return Behavior::kMergedWithNext;
  if (name == "Contiguous") return Behavior::kContiguous;
  return absl::InvalidArgumentError(absl::StrCat("pre_tokenizer Split: behavior ", name, " is not supported"));
}

absl::Status PreTokenizer::FindCuts(const Stage& stage, absl::string_view text, PatternSearch& search,
                                    std::vector<Cut>* cuts) {
  std::vector<ByteSpan> matches;
  if (stage.pattern != nullptr) {
    RETURN_IF_ERROR(stage.pattern->FindAll(text, search, &matches));
  } else {
    FindDigits(text, &matches);
  }
  const auto size = static_cast<int64_t>(text.size());
  int64_t covered = 0;
  for (const ByteSpan match : matches) {
    if (covered < match.begin) cuts->push_back({{covered, match.begin}, stage.invert});
    cuts->push_back({match, !stage.invert});
    covered = match.end;
  }
  if (covered < size) cuts->push_back({{covered, size}, stage.invert});
  return absl::OkStatus();
}

// Merging follows the library cut by cut: a match joins its neighbour only where that is not a match itself.
std::vector<ByteSpan> PreTokenizer::Pieces(const std::vector<Cut>& cuts, Behavior behavior) {
  std::vector<ByteSpan> pieces;
  bool previous_match = false;
  const auto visit = [&](const Cut& cut) {
    const bool joins = behavior == Behavior::kContiguous ? cut.is_match == previous_match
                       : behavior == Behavior::kMergedWithPrevious || behavior == Behavior::kMergedWithNext
                           ? cut.is_match && !previous_match
                           : false;
    previous_match = cut.is_match;
    if (behavior == Behavior::kRemoved && cut.is_match) return;
    if (!joins || pieces.empty()) {
      pieces.push_back(cut.span);
    } else {
      pieces.back() = {std::min(pieces.back().begin, cut.span.begin), std::max(pieces.back().end, cut.span.end)};
    }
  };
  if (behavior == Behavior::kMergedWithNext) {
    std::for_each(cuts.rbegin(), cuts.rend(), visit);
    std::reverse(pieces.begin(), pieces.end());
  } else {
    std::for_each(cuts.begin(), cuts.end(), visit);
  }
  return pieces;
}

absl::StatusOr<std::vector<Piece>> PreTokenizer::Split(absl::string_view text, PatternSearch& search) const {
  std::vector<ByteSpan> spans;
  if (!text.empty()) spans.push_back({0, static_cast<int64_t>(text.size())});
  for (const Stage& stage : stages_) {
    std::vector<ByteSpan> next;
    std::vector<Cut> cuts;
    for (const ByteSpan span : spans) {
      cuts.clear();
      RETURN_IF_ERROR(FindCuts(stage, text.substr(span.begin, span.end - span.begin), search, &cuts));
      for (const ByteSpan piece : Pieces(cuts, stage.behavior)) {
        if (piece.begin < piece.end) next.push_back(Shifted(piece, span.begin));
      }
    }
    spans = std::move(next);
  }
  return ByteLevelPieces(text, spans, search);
}

absl::StatusOr<std::vector<Piece>> PreTokenizer::ByteLevelPieces(absl::string_view text,
                                                                 const std::vector<ByteSpan>& spans,
                                                                 PatternSearch& search) const {
  std::vector<Piece> pieces;
  for (const ByteSpan span : spans) {
    const absl::string_view part = text.substr(span.begin, span.end - span.begin);
    const bool prefix = add_prefix_space_ && part[0] != ' ';
    if (byte_level_pattern_ == nullptr) {
      pieces.push_back({span, prefix});
      continue;
    }
    const std::string prefixed = prefix ? absl::StrCat(" ", part) : std::string();
    std::vector<ByteSpan> matches;
    RETURN_IF_ERROR(byte_level_pattern_->FindAll(prefix ? absl::string_view(prefixed) : part, search, &matches));
    for (const ByteSpan match : matches) {
      const bool has_prefix = prefix && match.begin == 0;
      const ByteSpan in_part = prefix ? ByteSpan{has_prefix ? 0 : match.begin - 1, match.end - 1} : match;
      pieces.push_back({Shifted(in_part, span.begin), has_prefix});
    }
  }
  return pieces;
}

}  // namespace plumb
