#ifndef PLUMB_TOOLS_BENCH_MACHINE_LIMITS_H_
#define PLUMB_TOOLS_BENCH_MACHINE_LIMITS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace plumb::cli {

// What this machine can do at best, with the threads that tensor operations have. Results of benchmarks are shares of
// it, measured in the same run.

// Numbers that lie in memory, not in a cache, where there are enough of them.
std::vector<float> FarNumbers(int64_t count);

// Bytes per second at which all threads together read `numbers` once.
double ReadBandwidth(const std::vector<float>& numbers);

// Bytes per second at which all threads together read files, one after the other, into memory that is new to this
// process: from the system's cache as far as it has them, else from storage. One of them has bytes.
// Errors: kNotFound, kPermissionDenied; kUnknown with what the system said; kResourceExhausted for the memory.
absl::StatusOr<double> FileBandwidth(const std::vector<std::string>& paths);

// Has the system drop a file from its cache, so that the next read comes from storage.
// Errors: those of base/file.h; kFailedPrecondition where it keeps the file, such as in a file system in memory.
absl::Status DropFromCache(const std::string& path);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_BENCH_MACHINE_LIMITS_H_
