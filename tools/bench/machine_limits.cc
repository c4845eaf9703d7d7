#include "tools/bench/machine_limits.h"

#include <ATen/Parallel.h>
#include <fcntl.h>
#include <immintrin.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/descriptor.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "policy/kernels/cpu/parallel.h"

namespace plumb::cli {
namespace {

constexpr int64_t kNumbersPerSum = 64;
constexpr int64_t kBytesPerRead = int64_t{8} << 20;
// A cache that keeps more than a page in this many was not dropped.
constexpr int64_t kPagesPerKept = 20;

double SecondsOf(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Compiled for AVX2, which every machine of these kernels has. What it returns is there so that the work is not
// optimised away.
__attribute__((target("avx2"))) float SumOf(const float* from, int64_t count) {
  __m256 sums[8];
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  for (int64_t i = 0; i + kNumbersPerSum <= count; i += kNumbersPerSum) {
#pragma GCC unroll 8
    for (int part = 0; part < 8; ++part) sums[part] = _mm256_add_ps(sums[part], _mm256_loadu_ps(from + i + 8 * part));
  }
  for (int part = 1; part < 8; ++part) sums[0] = _mm256_add_ps(sums[0], sums[part]);
  return _mm256_cvtss_f32(sums[0]);
}

// Memory that no one has written yet, and that goes back to the system at the end.
class NewMemory {
 public:
  explicit NewMemory(size_t size)
      : size_(size), memory_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
  ~NewMemory() {
    if (valid()) ::munmap(memory_, size_);
  }
  NewMemory(const NewMemory&) = delete;
  NewMemory& operator=(const NewMemory&) = delete;
  bool valid() const { return memory_ != MAP_FAILED; }
  char* data() const { return static_cast<char*>(memory_); }

 private:
  const size_t size_;
  void* const memory_;
};

// Reads bytes [begin, end) of a file to their place behind `memory`. Returns 0, or the system's error.
int ReadPart(int file, int64_t begin, int64_t end, char* memory) {
  while (begin < end) {
    const ssize_t count = ::pread(file, memory + begin, std::min(kBytesPerRead, end - begin), begin);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : EIO;  // the file is shorter than it was
    begin += count;
  }
  return 0;
}

absl::StatusOr<double> SecondsToRead(const std::string& path, int64_t size) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return absl::ErrnoToStatus(errno, path);
  const NewMemory memory(size);
  if (!memory.valid()) return absl::ResourceExhaustedError(absl::StrCat(path, ": no memory for its ", size, " bytes"));
  std::atomic<int> error{0};
  const double seconds = SecondsOf([&] {
    cpu::ParallelRanges(size, (size + at::get_num_threads() - 1) / at::get_num_threads(),
                        [&](int64_t begin, int64_t end) {
                          const int found = ReadPart(file.value(), begin, end, memory.data());
                          if (found != 0) error = found;
                        });
  });
  if (error != 0) return absl::ErrnoToStatus(error, path);
  return seconds;
}

// (pages of a file that the system holds in its cache, all of its pages)
std::pair<int64_t, int64_t> CachedPages(const MappedFile& file) {
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> cached((file.size() + page - 1) / page, 1);
  ::mincore(const_cast<std::byte*>(file.bytes()), file.size(), cached.data());
  const int64_t held =
      std::count_if(cached.begin(), cached.end(), [](unsigned char flags) { return (flags & 1) != 0; });
  return {held, static_cast<int64_t>(cached.size())};
}

}  // namespace

std::vector<float> FarNumbers(int64_t count) {
  std::vector<float> numbers(count);
  for (int64_t i = 0; i < count; ++i) numbers[i] = static_cast<float>(i % 7) - 3.0f;
  return numbers;
}

double ReadBandwidth(const std::vector<float>& numbers) {
  std::atomic<float> kept{0};
  const int64_t count = static_cast<int64_t>(numbers.size());
  const double seconds = SecondsOf([&] {
    cpu::ParallelRanges(count, (count + at::get_num_threads() - 1) / at::get_num_threads(),
                        [&](int64_t begin, int64_t end) { kept = SumOf(numbers.data() + begin, end - begin); });
  });
  return static_cast<double>(count * static_cast<int64_t>(sizeof(float))) / seconds;
}

absl::StatusOr<double> FileBandwidth(const std::vector<std::string>& paths) {
  double bytes = 0, seconds = 0;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> file, MappedFile::Open(path));
    if (file->size() == 0) continue;
    ASSIGN_OR_RETURN(const double taken, SecondsToRead(path, static_cast<int64_t>(file->size())));
    bytes += static_cast<double>(file->size());
    seconds += taken;
  }
  PLUMB_CHECK(bytes > 0) << "no bytes in " << paths.size() << " files";
  return bytes / seconds;
}

absl::Status DropFromCache(const std::string& path) {
  RETURN_IF_ERROR(SyncFile(path));  // what is not written yet cannot be dropped
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return absl::ErrnoToStatus(errno, path);
  ::posix_fadvise(file.value(), 0, 0, POSIX_FADV_DONTNEED);
  ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> mapped, MappedFile::Open(path));
  const auto [held, all] = CachedPages(*mapped);
  if (held * kPagesPerKept <= all) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": the system keeps ", held, " of ", all,
                   " pages in memory and does not drop them; expected a file on a disk "
                   "that no other program has mapped"));
}

}  // namespace plumb::cli
