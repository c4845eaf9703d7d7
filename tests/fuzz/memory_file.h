#ifndef PLUMB_TESTS_FUZZ_MEMORY_FILE_H_
#define PLUMB_TESTS_FUZZ_MEMORY_FILE_H_

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/check.h"

namespace plumb::fuzz {

// A file in memory that has a path while the object lives.
class MemoryFile {
 public:
  explicit MemoryFile(absl::string_view content) : descriptor_(::memfd_create("plumb-fuzz", MFD_CLOEXEC)) {
    PLUMB_CHECK(descriptor_ >= 0);
    while (!content.empty()) {
      const ssize_t written = ::write(descriptor_, content.data(), content.size());
      PLUMB_CHECK(written > 0);
      content.remove_prefix(static_cast<size_t>(written));
    }
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return absl::StrCat("/proc/self/fd/", descriptor_); }

 private:
  const int descriptor_;
};

}  // namespace plumb::fuzz

#endif  // PLUMB_TESTS_FUZZ_MEMORY_FILE_H_
