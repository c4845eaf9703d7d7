#ifndef PLUMB_TOOLS_BENCH_ROUNDS_H_
#define PLUMB_TOOLS_BENCH_ROUNDS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"

namespace plumb::cli {

// What one round of a benchmark took and gave.
struct BenchRound {
  double seconds = 0;
  std::string digest;  // of the result, so that two sides can be compared
};

// The times of one side: its rounds in order, the fastest and the middle one.
Json RoundsJson(const std::vector<BenchRound>& rounds);

// The middle of the rounds' seconds; of an even number the lower one. `rounds` is not empty.
double MedianSeconds(const std::vector<BenchRound>& rounds);

// Runs a peer's program for one round: `command`, split at spaces, with `arguments` behind it. It does what is measured
// once and prints one line {"seconds": ..., "digest": ...}.
// Errors: kNotFound, kUnavailable when it cannot be started or ends without the line; kInvalidArgument for another
// line; kDeadlineExceeded after 10 minutes.
absl::StatusOr<BenchRound> PeerRound(const std::string& command, const std::vector<std::string>& arguments);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_BENCH_ROUNDS_H_
