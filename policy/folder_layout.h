#ifndef PLUMB_POLICY_FOLDER_LAYOUT_H_
#define PLUMB_POLICY_FOLDER_LAYOUT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/stored_weight.h"
#include "policy/model_config.h"

namespace plumb {

// A published tensor and where a folder keeps it.
struct PlacedWeight {
  std::string name;  // "model.layers.1.mlp.experts.3.gate_proj.weight", also where experts are stored fused
  std::vector<int64_t> shape;
  WeightRows rows;
};

// Where a folder keeps what an architecture needs. It borrows the folder.
struct FolderLayout {
  std::vector<PlacedWeight> trunk;  // one for each of PublishedTensors(), in their order
  // The layers for multi-token prediction; empty where the folder holds none, whatever config.json says.
  std::vector<PlacedWeight> mtp;
  bool fused_experts = false;  // stacked experts under transformers 5's names
  // What is missing (kNotFound), too many, of a wrong shape or type (kInvalidArgument); then the rest is incomplete.
  // Of many problems the first kMaxProblems are kept.
  static constexpr size_t kMaxProblems = 1000;
  std::vector<absl::Status> problems;
  int64_t num_problems = 0;

  void AddProblem(absl::Status problem);
  // OK, or the first problem with the number of those behind it.
  absl::Status FirstProblem() const;
};

// Finds every tensor by name and checks its shape and type. Tables of old rotary code (rotary_emb.inv_freq of a layer,
// [Dr / 2]) may be left over, and a tied head may be stored if it is the embedding; anything else that nothing reads is
// a problem.
FolderLayout FindLayout(const ModelFolder& folder, const ModelConfig& config);

}  // namespace plumb

#endif  // PLUMB_POLICY_FOLDER_LAYOUT_H_
