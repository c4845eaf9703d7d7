// libFuzzer's entry point; compiled once for each target, whose function PLUMB_FUZZ_FUNCTION names.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/fuzz_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  plumb::fuzz::PLUMB_FUZZ_FUNCTION(absl::string_view(reinterpret_cast<const char*>(bytes), size));
  return 0;
}
