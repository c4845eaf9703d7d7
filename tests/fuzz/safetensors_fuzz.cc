#include "absl/strings/match.h"
#include "checkpoint/safetensors.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tests/fuzz/memory_file.h"

namespace plumb::fuzz {
namespace {

void CheckSame(const TensorBytes& read, const TensorBytes& written) {
  PLUMB_CHECK(read.type == written.type);
  PLUMB_CHECK(read.shape == written.shape);
  PLUMB_CHECK(read.bytes == written.bytes);
}

void CheckReadsBack(const SafetensorsFile& file) {
  std::vector<NamedTensorBytes> tensors;
  for (const auto& [name, tensor] : file.tensors()) tensors.push_back({name, tensor});
  const MemoryFile copy("");
  const absl::Status written = WriteSafetensors(copy.path(), tensors);
  PLUMB_CHECK(written.ok()) << written;
  const auto again = SafetensorsFile::Open(copy.path());
  PLUMB_CHECK(again.ok()) << again.status();
  PLUMB_CHECK((*again)->tensors().size() == file.tensors().size());
  for (const auto& [name, tensor] : (*again)->tensors()) CheckSame(tensor, file.tensors().at(name));
}

}  // namespace

void FuzzSafetensors(absl::string_view input) {
  const MemoryFile file(input);
  const auto opened = SafetensorsFile::Open(file.path());
  if (opened.ok()) return CheckReadsBack(**opened);
  PLUMB_CHECK(opened.status().code() == absl::StatusCode::kDataLoss) << opened.status();
  PLUMB_CHECK(absl::StartsWith(opened.status().message(), file.path() + ": ")) << opened.status();
}

}  // namespace plumb::fuzz
