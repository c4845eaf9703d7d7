#ifndef PLUMB_ROLLOUT_WEIGHT_UPDATE_H_
#define PLUMB_ROLLOUT_WEIGHT_UPDATE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/weights.h"
#include "proto/rollout.pb.h"
#include "rollout/generation.h"

namespace plumb {

// What weights have to be like to be taken by an engine.
struct WeightForm {
  ModelConfig config;
  at::ScalarType dtype = at::kFloat;  // of computation
  at::Device device = at::kCPU;
};

// One update of a worker's weights, from its tensor list to its digest. The bytes go into a second set of weights of
// the same shapes, which the engine takes only after the digest over them was compared. Not thread-safe.
class WeightUpdate {
 public:
  // Errors: kInvalidArgument naming the tensor: unknown, missing, twice, a slice, of another shape or type; or the
  // transport; kResourceExhausted.
  static absl::StatusOr<std::unique_ptr<WeightUpdate>> Begin(const proto::BeginWeightsRequest& request,
                                                             const WeightForm& form);

  // Errors: kInvalidArgument naming the tensor for bytes beyond it.
  absl::Status Write(const proto::WeightChunk& chunk);

  // The finished weights. With the transport "shared_memory", reads the file first.
  // Errors: kDataLoss when bytes are missing or the digest differs from the version's.
  absl::StatusOr<PolicyWeights> Finish();

  const WeightVersion& version() const { return version_; }
  uint64_t received_bytes() const { return received_bytes_; }

 private:
  struct Target {
    std::string name;
    at::Tensor view;  // [...] of the staged weights, on the CPU
    int64_t received = 0;
  };

  WeightUpdate() = default;
  absl::Status AddTarget(const proto::TensorSlice& slice, std::map<std::string, at::Tensor>& expected);
  absl::Status ReadSharedMemory();
  absl::Status WriteBytes(Target& target, uint64_t offset, absl::string_view content);

  WeightVersion version_;
  std::string shared_memory_path_;
  PolicyWeights staged_;
  at::Device device_ = at::kCPU;
  std::vector<Target> targets_;
  uint64_t received_bytes_ = 0;
};

// The bytes of a published tensor, row-major.
//   view  any shape
//   copy  any shape: holds the bytes where the view is not contiguous or not on the CPU
absl::string_view TensorContent(const at::Tensor& view, at::Tensor& copy);

// The tensor list of an update, in the order of PublishedTensors().
proto::BeginWeightsRequest DescribeWeights(const PolicyWeights& weights, const WeightVersion& version);

// Folder of the files through which processes of one machine pass weights, and the beginning of their names.
inline constexpr char kSharedMemoryPrefix[] = "/dev/shm/plumb-";

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_WEIGHT_UPDATE_H_
