#include "tools/bench/rounds.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/child_process.h"
#include "base/status_macros.h"

namespace plumb::cli {

double MedianSeconds(const std::vector<BenchRound>& rounds) {
  std::vector<double> seconds;
  for (const BenchRound& round : rounds) seconds.push_back(round.seconds);
  std::sort(seconds.begin(), seconds.end());
  return seconds[(seconds.size() - 1) / 2];
}

Json RoundsJson(const std::vector<BenchRound>& rounds) {
  Json json;
  json["seconds"] = Json::array();
  double fastest = rounds.front().seconds;
  for (const BenchRound& round : rounds) {
    json["seconds"].push_back(round.seconds);
    fastest = std::min(fastest, round.seconds);
  }
  json["fastest"] = fastest;
  json["median"] = MedianSeconds(rounds);
  return json;
}

absl::StatusOr<BenchRound> PeerRound(const std::string& command, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = absl::StrSplit(command, ' ', absl::SkipEmpty());
  if (words.empty()) return absl::InvalidArgumentError("--peer: no program");
  words.insert(words.end(), arguments.begin(), arguments.end());
  ASSIGN_OR_RETURN(const std::unique_ptr<ChildProcess> peer, ChildProcess::Start("peer", words, ""));
  ASSIGN_OR_RETURN(const std::string line, peer->ReadLine(absl::Now() + absl::Minutes(10)));
  ASSIGN_OR_RETURN(const Json json, ParseJson(line, "the peer's line"));
  BenchRound round;
  ASSIGN_OR_RETURN(round.seconds, JsonDouble(json, "seconds", "the peer's line"));
  ASSIGN_OR_RETURN(round.digest, JsonString(json, "digest", "the peer's line"));
  return round;
}

}  // namespace plumb::cli
