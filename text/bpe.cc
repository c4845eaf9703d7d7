#include "text/bpe.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "text/byte_alphabet.h"

namespace plumb {
namespace {

constexpr size_t kLongestKnownPiece = 48;
constexpr size_t kMaxKnownPieces = 1 << 16;
constexpr int64_t kMaxId = (int64_t{1} << 21) - 1;  // keeps a damaged id from taking the memory

bool IsSet(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return false;
  if (found->is_boolean()) return found->get<bool>();
  if (found->is_string()) return !found->get_ref<const std::string&>().empty();
  return !(found->is_number() && found->get<double>() == 0);
}

// The library takes the pair of lowest rank, the leftmost on equal rank.
struct IsWorse {
  template <typename Candidate>
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  }
};

}  // namespace

absl::StatusOr<BpeModel> BpeModel::FromJson(const Json& json) {
  if (!json.is_object()) return absl::InvalidArgumentError("model: not an object");
  // Old files have no type; their model is BPE when it has merges.
  if (json.contains("type") && json["type"] != "BPE") {
    return absl::InvalidArgumentError(
        absl::StrCat("model: type ", DumpJson(json["type"]), " is not supported; expected BPE"));
  }
  for (const char* option : {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"}) {
    if (IsSet(json, option)) {
      return absl::InvalidArgumentError(absl::StrCat("model: ", option, " is ", DumpJson(json[option]),
                                                     "; byte-level BPE with this option is not supported"));
    }
  }
  BpeModel model;
  model.ignore_merges_ = IsSet(json, "ignore_merges");
  if (!json.contains("vocab") || !json.contains("merges")) {
    return absl::InvalidArgumentError("model: `vocab` or `merges` is missing");
  }
  RETURN_IF_ERROR(model.ReadVocabulary(json["vocab"]));
  RETURN_IF_ERROR(model.ReadUnknownToken(json));
  RETURN_IF_ERROR(model.ReadMerges(json["merges"]));
  return model;
}

absl::Status BpeModel::ReadVocabulary(const Json& vocabulary) {
  if (!vocabulary.is_object()) return absl::InvalidArgumentError("model: `vocab` is not an object");
  vocabulary_.reserve(vocabulary.size());
  for (const auto& [token, id] : vocabulary.items()) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > kMaxId) {
      return absl::InvalidArgumentError(absl::StrCat("model: id of token \"", token, "\" is ", DumpJson(id),
                                                     ", expected an integer from 0 to ", kMaxId));
    }
    vocabulary_.emplace(token, id.get<int64_t>());
  }
  for (int byte = 0; byte < 256; ++byte) {
    const char bytes[] = {static_cast<char>(byte)};
    const auto found = vocabulary_.find(TokenOfBytes(absl::string_view(bytes, 1)));
    byte_ids_[byte] = found == vocabulary_.end() ? -1 : found->second;
  }
  return absl::OkStatus();
}

absl::Status BpeModel::ReadUnknownToken(const Json& json) {
  const auto token = json.find("unk_token");
  if (token == json.end() || token->is_null()) return absl::OkStatus();
  const auto found = token->is_string() ? vocabulary_.find(token->get<std::string>()) : vocabulary_.end();
  if (found == vocabulary_.end()) {
    return absl::InvalidArgumentError(absl::StrCat("model: unk_token ", DumpJson(*token), " is not in `vocab`"));
  }
  unknown_id_ = found->second;
  fuse_unknown_ = IsSet(json, "fuse_unk");
  return absl::OkStatus();
}

absl::Status BpeModel::ReadMerges(const Json& merges) {
  if (!merges.is_array()) return absl::InvalidArgumentError("model: `merges` is not a list");
  merges_.reserve(merges.size());
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const Json& merge = merges[rank];
    const auto number = static_cast<int64_t>(rank);
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      RETURN_IF_ERROR(AddMerge(merge[0].get<std::string>(), merge[1].get<std::string>(), number));
      continue;
    }
    const auto text = merge.is_string() ? merge.get<std::string>() : std::string();
    if (absl::StartsWith(text, "#version")) continue;
    const size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("model: merge ", rank, " is ", DumpJson(merge), ", expected \"a b\" or [\"a\", \"b\"]"));
    }
    RETURN_IF_ERROR(AddMerge(text.substr(0, space), text.substr(space + 1), number));
  }
  return absl::OkStatus();
}

absl::Status BpeModel::AddMerge(const std::string& left, const std::string& right, int64_t rank) {
  for (const std::string& token : {left, right, left + right}) {
    if (!vocabulary_.contains(token)) {
      return absl::InvalidArgumentError(
          absl::StrCat("model: merge ", rank, " needs the token \"", token, "\", which is not in `vocab`"));
    }
  }
  const auto key = static_cast<uint64_t>(vocabulary_[left]) << 32 | static_cast<uint64_t>(vocabulary_[right]);
  merges_[key] = {rank, vocabulary_[left + right]};
  return absl::OkStatus();
}

const BpeModel::Merge* BpeModel::FindMerge(int64_t left, int64_t right) const {
  const auto found = merges_.find(static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right));
  return found == merges_.end() ? nullptr : &found->second;
}

void BpeModel::PushCandidate(int32_t left, Scratch& scratch) const {
  const Scratch::Symbol& symbol = scratch.symbols_[left];
  if (symbol.next < 0) return;
  const Merge* merge = FindMerge(symbol.id, scratch.symbols_[symbol.next].id);
  if (merge == nullptr) return;
  scratch.heap_.push_back({merge->rank, merge->id, left});
  std::push_heap(scratch.heap_.begin(), scratch.heap_.end(), IsWorse());
}

void BpeModel::MergeAll(Scratch& scratch) const {
  auto& symbols = scratch.symbols_;
  auto& heap = scratch.heap_;
  heap.clear();
  for (int32_t i = 0; i + 1 < static_cast<int32_t>(symbols.size()); ++i) PushCandidate(i, scratch);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), IsWorse());
    const Scratch::Candidate best = heap.back();
    heap.pop_back();
    Scratch::Symbol& left = symbols[best.left];
    if (left.merged_away || left.next < 0) continue;
    Scratch::Symbol& right = symbols[left.next];
    // A candidate whose symbols have changed since it was pushed is stale.
    const Merge* merge = FindMerge(left.id, right.id);
    if (merge == nullptr || merge->id != best.id) continue;
    left.id = best.id;
    left.end = right.end;
    left.next = right.next;
    right.merged_away = true;
    if (left.next >= 0) symbols[left.next].previous = best.left;
    if (left.previous >= 0) PushCandidate(left.previous, scratch);
    PushCandidate(best.left, scratch);
  }
}

void BpeModel::EncodeBytes(absl::string_view piece, Scratch& scratch, std::vector<BpeToken>* tokens) const {
  auto& symbols = scratch.symbols_;
  symbols.clear();
  bool after_unknown = false;
  for (size_t i = 0; i < piece.size(); ++i) {
    const int64_t known = byte_ids_[static_cast<uint8_t>(piece[i])];
    const int64_t id = known < 0 ? unknown_id_ : known;
    if (id < 0) continue;
    const auto index = static_cast<int32_t>(symbols.size());
    const auto begin = static_cast<int64_t>(i);
    if (known < 0 && fuse_unknown_ && after_unknown) {
      symbols.back().end = begin + 1;
      continue;
    }
    after_unknown = known < 0;
    symbols.push_back({id, begin, begin + 1, index - 1, index + 1, false});
  }
  if (symbols.empty()) return;
  symbols.back().next = -1;
  MergeAll(scratch);
  for (int32_t i = 0; i >= 0; i = symbols[i].next) tokens->push_back({symbols[i].id, symbols[i].begin, symbols[i].end});
}

void BpeModel::Encode(absl::string_view piece, Scratch& scratch, std::vector<BpeToken>* tokens) const {
  if (ignore_merges_) {
    const auto whole = vocabulary_.find(TokenOfBytes(piece));
    if (whole != vocabulary_.end()) {
      tokens->push_back({whole->second, 0, static_cast<int64_t>(piece.size())});
      return;
    }
  }
  if (piece.size() > kLongestKnownPiece) return EncodeBytes(piece, scratch, tokens);
  auto known = scratch.known_.find(piece);
  if (known == scratch.known_.end()) {
    if (scratch.known_.size() >= kMaxKnownPieces) scratch.known_.clear();
    known = scratch.known_.try_emplace(std::string(piece.data(), piece.size())).first;
    EncodeBytes(piece, scratch, &known->second);
  }
  tokens->insert(tokens->end(), known->second.begin(), known->second.end());
}

}  // namespace plumb
