#ifndef PLUMB_TOOLS_MODELS_MEMORY_PLAN_H_
#define PLUMB_TOOLS_MODELS_MEMORY_PLAN_H_

#include <string>
#include <vector>

#include "policy/model_config.h"
#include "proto/config.pb.h"

// Memory that a model takes, from its shapes and a stage's configuration. Weights, gradients, optimizer and cache are
// exact; activations are an estimate.
namespace plumb::cli {

// A part of a stage's memory, in bytes.
struct MemoryPart {
  std::string name;
  double bytes = 0;
  bool estimate = false;
};

// What stays of a stage while it runs.
struct StageMemory {
  std::string stage;  // "load", "sft", "grpo"
  std::vector<MemoryPart> parts;
  double Total() const;
};

// A rollout worker or any command that only runs the model: weights, and nothing else before the first request.
StageMemory LoadMemory(const ModelConfig& model, const std::string& dtype);

// The SFT stage: one process.
StageMemory SftMemory(const ModelConfig& model, const proto::SftConfig& config);

// The GRPO stage: the trainer, and its local rollout workers where it starts them.
StageMemory GrpoMemory(const ModelConfig& model, const proto::GrpoConfig& config);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_MODELS_MEMORY_PLAN_H_
