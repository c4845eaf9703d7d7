#include <memory>

#include "absl/time/clock.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "text/tokenizer.h"
#include "tools/bench/benchmarks.h"
#include "tools/bench/rounds.h"

namespace plumb::cli {
namespace {

class Bench : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Required("--tokenizer", "FILE", tokenizer_, "tokenizer.json.");
    options.Required("--input", "FILE", input_, "UTF-8 text; it is encoded whole, without special tokens.");
    options.Whole("--rounds", {1, 1000}, num_rounds_, "Rounds that are timed, after one that is not.");
    options.Text("--peer", "COMMAND", peer_,
                 "Program that does a round of the peer, such as \"python3 tools/bench/tokenizer_peer.py\".");
  }

  absl::Status Run() override {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(input_));
    ASSIGN_OR_RETURN(const std::unique_ptr<Tokenizer> tokenizer, Tokenizer::Load(tokenizer_));
    std::vector<BenchRound> own, peer;
    for (int64_t i = 0; i <= num_rounds_; ++i) {
      ASSIGN_OR_RETURN(BenchRound round, OwnRound(*tokenizer, text));
      if (i == 0) continue;  // pages, caches and the patterns' code are warm now
      own.push_back(std::move(round));
      if (peer_.empty()) continue;
      ASSIGN_OR_RETURN(BenchRound peer_round, PeerRound(peer_, {"--tokenizer", tokenizer_, "--input", input_}));
      peer.push_back(std::move(peer_round));
      if (peer.back().digest != own.back().digest) {
        return absl::FailedPreconditionError(
            absl::StrCat("the peer's ids differ: their digest is ", peer.back().digest, ", ours ", own.back().digest));
      }
    }
    Print(text, own, peer);
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<BenchRound> OwnRound(const Tokenizer& tokenizer, const std::string& text) {
    const absl::Time begin = absl::Now();
    ASSIGN_OR_RETURN(const EncodedText encoded, tokenizer.Encode(text, /*add_special_tokens=*/false));
    const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
    num_ids_ = encoded.ids.size();
    return BenchRound{seconds, Sha256Hex(absl::StrJoin(encoded.ids, ","))};
  }

  void Print(const std::string& text, const std::vector<BenchRound>& own, const std::vector<BenchRound>& peer) const {
    Json json;
    json["benchmark"] = "tokenizer";
    json["bytes"] = text.size();
    json["ids"] = num_ids_;
    json["plumb"] = RoundsJson(own);
    json["megabytes_per_second"] = static_cast<double>(text.size()) / 1e6 / MedianSeconds(own);
    if (!peer.empty()) {
      json["peer"] = RoundsJson(peer);
      json["plumb_over_peer"] = MedianSeconds(own) / MedianSeconds(peer);
    }
    std::printf("%s\n", DumpJson(json).c_str());
  }

  std::string tokenizer_;
  std::string input_;
  std::string peer_;
  int64_t num_rounds_ = 5;
  size_t num_ids_ = 0;
};

}  // namespace

CommandEntry TokenizerBench() {
  return {.name = "tokenizer",
          .summary = "Encode a text, on one thread.",
          .details =
              "A peer gets --tokenizer and --input, encodes the text once and prints {\"seconds\", \"digest\"}; the "
              "digest\n"
              "is the SHA-256 of the ids in decimal, joined by commas. plumb_over_peer is the ratio of the medians:\n"
              "under 1, Plumb is faster.",
          .example =
              "plumb bench tokenizer --tokenizer policy/tokenizer.json --input text.txt \\\n"
              "  --peer \"python3 tools/bench/tokenizer_peer.py\"",
          .make = [] { return std::make_unique<Bench>(); }};
}

}  // namespace plumb::cli
