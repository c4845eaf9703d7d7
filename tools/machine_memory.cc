#include "tools/machine_memory.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/file.h"

namespace plumb::cli {
namespace {

// A line of /proc/meminfo in bytes; 0 where it is not there.
double MemoryLine(const std::string& key) {
  const absl::StatusOr<std::string> text = ReadFile("/proc/meminfo");
  if (!text.ok()) return 0;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    double kibibytes = 0;
    if (words.size() >= 2 && words[0] == key + ":" && absl::SimpleAtod(words[1], &kibibytes)) return kibibytes * 1024;
  }
  return 0;
}

// The number in a file; 0 where there is none ("max").
double NumberIn(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  double number = 0;
  return text.ok() && absl::SimpleAtod(*text, &number) ? number : 0;
}

}  // namespace

double AvailableMemoryBytes() {
  const double available = MemoryLine("MemAvailable");
  const double limit = NumberIn("/sys/fs/cgroup/memory.max");
  if (limit == 0) return available;
  const double left = std::max(0.0, limit - NumberIn("/sys/fs/cgroup/memory.current"));
  return available == 0 ? left : std::min(available, left);
}

double TotalMemoryBytes() { return MemoryLine("MemTotal"); }

}  // namespace plumb::cli
