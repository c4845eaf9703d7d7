#ifndef PLUMB_TEXT_BPE_H_
#define PLUMB_TEXT_BPE_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"

namespace plumb {

// A token and its bytes [begin, end) of the piece.
struct BpeToken {
  int64_t id = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

// The `model` of a tokenizer.json: BPE over bytes. Two neighbours of the lowest rank are merged, the leftmost first,
// until no pair has a rank. Bytes without a token become the unknown token, or are left out where there is none.
// Immutable, thread-safe.
class BpeModel {
 public:
  // Reuses memory between the pieces of a text and remembers short pieces. Not thread-safe.
  class Scratch {
   public:
    Scratch() = default;

   private:
    friend class BpeModel;
    struct Symbol {
      int64_t id;
      int64_t begin;
      int64_t end;
      int32_t previous;
      int32_t next;
      bool merged_away;
    };
    struct Candidate {
      int64_t rank;
      int64_t id;
      int32_t left;
    };
    std::vector<Symbol> symbols_;
    std::vector<Candidate> heap_;
    absl::flat_hash_map<std::string, std::vector<BpeToken>> known_;
  };

  // Errors: kInvalidArgument for a damaged model, or an option that is not supported (dropout, prefix, suffix,
  // byte_fallback).
  static absl::StatusOr<BpeModel> FromJson(const Json& json);

  // Appends the tokens of `piece`.
  void Encode(absl::string_view piece, Scratch& scratch, std::vector<BpeToken>* tokens) const;

  const absl::flat_hash_map<std::string, int64_t>& vocabulary() const { return vocabulary_; }

 private:
  struct Merge {
    int64_t rank;
    int64_t id;
  };

  absl::Status ReadVocabulary(const Json& vocabulary);
  absl::Status ReadUnknownToken(const Json& json);
  absl::Status ReadMerges(const Json& merges);
  absl::Status AddMerge(const std::string& left, const std::string& right, int64_t rank);
  const Merge* FindMerge(int64_t left, int64_t right) const;
  void PushCandidate(int32_t left, Scratch& scratch) const;
  void MergeAll(Scratch& scratch) const;
  void EncodeBytes(absl::string_view piece, Scratch& scratch, std::vector<BpeToken>* tokens) const;

  absl::flat_hash_map<std::string, int64_t> vocabulary_;
  absl::flat_hash_map<uint64_t, Merge> merges_;  // by (left id << 32 | right id)
  std::array<int64_t, 256> byte_ids_{};          // -1 where the vocabulary lacks the byte
  int64_t unknown_id_ = -1;                      // -1: none
  bool fuse_unknown_ = false;                    // neighbours without a token become one
  bool ignore_merges_ = false;
};

}  // namespace plumb

#endif  // PLUMB_TEXT_BPE_H_
