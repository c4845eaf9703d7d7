#ifndef PLUMB_TOOLS_COMMANDS_MODEL_OPTIONS_H_
#define PLUMB_TOOLS_COMMANDS_MODEL_OPTIONS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "policy/weights.h"
#include "proto/config.pb.h"
#include "text/text_codec.h"
#include "tools/option_set.h"

// What the commands that run a policy share.
namespace plumb::cli {

struct ComputeOptions {
  std::string dtype = "float32";
  std::string device = "cpu";
  int64_t threads = 0;
  std::string isa = "auto";
};

// --dtype, --device, --threads, --isa.
void DeclareCompute(OptionSet& options, ComputeOptions& compute);

// Sets the threads, pins the instruction set of the CPU kernels and checks the device.
// Errors: kInvalidArgument for a text that names no device, or no instruction set; the environment's error where the
// machine has no such device or cannot run the instruction set.
absl::StatusOr<at::Device> PrepareDevice(const ComputeOptions& compute);

// The text side of a policy folder; null where it has no tokenizer.json.
// Errors: those of CheckModelPlace and TextCodec::Load.
absl::StatusOr<std::unique_ptr<TextCodec>> LoadCodec(const std::string& model);

struct LoadedModel {
  PolicyWeights weights;
  std::unique_ptr<TextCodec> codec;  // null where the folder has no tokenizer.json
  at::Device device = at::kCPU;
};

absl::StatusOr<LoadedModel> LoadModel(const std::string& model, const ComputeOptions& compute);

// The engine's limits, all at their defaults.
proto::EngineConfig DefaultEngineConfig();

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMANDS_MODEL_OPTIONS_H_
