#ifndef PLUMB_POLICY_WEIGHTS_H_
#define PLUMB_POLICY_WEIGHTS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "checkpoint/model_folder.h"
#include "policy/model_config.h"

namespace plumb {

// One buffer per kind and layer. Undefined tensors are parts that the architecture lacks. All but the router's are of
// the compute type; `gate` and `gate_bias` are float32.
struct LayerWeights {
  at::Tensor input_norm;           // [D]
  at::Tensor post_attention_norm;  // [D]
  at::Tensor q;                    // [H * (Dn + Dr), D] without query latent
  at::Tensor q_a;                  // [Rq, D]
  at::Tensor q_a_bias;             // [Rq]
  at::Tensor q_a_norm;             // [Rq]
  at::Tensor q_b;                  // [H * (Dn + Dr), Rq]
  at::Tensor kv_a;                 // [Rkv + Dr, D]
  at::Tensor kv_a_bias;            // [Rkv + Dr]
  at::Tensor kv_a_norm;            // [Rkv]
  at::Tensor kv_b;                 // [H * (Dn + Dv), Rkv]
  at::Tensor o;                    // [D, H * Dv]
  at::Tensor o_bias;               // [D]
  at::Tensor gate_up;              // [2 * I, D] dense layers: gate rows, then up rows
  at::Tensor down;                 // [D, I]
  at::Tensor gate;                 // [E, D] float32, router
  at::Tensor gate_bias;            // [E] float32, chooses experts only; never trained
  at::Tensor expert_gate_up;       // [E, 2 * I, D]
  at::Tensor expert_down;          // [E, D, I]
  at::Tensor shared_gate_up;       // [2 * S * I, D]
  at::Tensor shared_down;          // [D, S * I]
};

struct KeptMtp;

struct PolicyWeights {
  ModelConfig config;
  at::Tensor embed;       // [V, D]
  at::Tensor final_norm;  // [D]
  at::Tensor lm_head;     // [V, D]; the same tensor as `embed` where tied
  std::vector<LayerWeights> layers;
  // Layers for multi-token prediction of the folder that the weights came from; null where it has none. They take no
  // part in a forward, and no memory: they stay in the folder's files until they are written to the next one.
  std::shared_ptr<const KeptMtp> mtp;
};

// A buffer under its own name: "layers.0.expert_gate_up". For optimizers and digests.
struct NamedBuffer {
  std::string name;
  at::Tensor* tensor;
  bool trainable;  // false for gate_bias
  bool decays;     // two or more dimensions (stacked experts: three) and not an embedding
};
// Every defined buffer once, in a fixed order (a tied lm_head is not repeated).
std::vector<NamedBuffer> Buffers(PolicyWeights& weights);

// A tensor under its published name, as a view into a buffer.
struct PublishedTensor {
  std::string name;  // "model.layers.0.mlp.experts.3.gate_proj.weight"
  at::Tensor view;   // any shape, contiguous
};
// In the order of the model; a tied lm_head is left out.
std::vector<PublishedTensor> PublishedTensors(const PolicyWeights& weights);

// Names and shapes of what a folder of the architecture holds, without memory: each `view` is a meta tensor.
std::vector<PublishedTensor> ExpectedTensors(const ModelConfig& config);
// The same for the layers for multi-token prediction, from num_hidden_layers on.
std::vector<PublishedTensor> ExpectedMtpTensors(const ModelConfig& config);
// Whether a name is that of a copy of the embedding or of the head that such a layer may bring along.
bool IsMtpCopy(const std::string& name);

// Empty buffers of the architecture's shapes.
PolicyWeights AllocateWeights(const ModelConfig& config, at::ScalarType dtype, at::Device device);

// Reads a policy folder, piece by piece into the final place, converting to `dtype`; FP8 blocks are decoded in float32.
// Besides the weights it needs a few megabytes. The folder is kept open only where it holds layers for multi-token
// prediction.
// Errors: kNotFound for a missing tensor; kInvalidArgument for one that is too many, or of a wrong shape or type, with
// the expected one.
absl::StatusOr<PolicyWeights> LoadWeights(std::shared_ptr<const ModelFolder> folder, at::ScalarType dtype,
                                          at::Device device);

// Random weights: normal with config.initializer_range, norms 1, biases 0; equal on every machine for equal seeds.
PolicyWeights RandomWeights(const ModelConfig& config, at::ScalarType dtype, at::Device device, uint64_t seed);

// Writes a policy folder (config.json of weights.config.source with the dtype, tensors, text files of `copy_from`) into
// the existing folder `path`. Kept layers for multi-token prediction are written byte for byte, but for their copies of
// the embedding and the head, which follow the trained ones, and FP8 blocks, which become of the weights' type.
absl::Status SaveWeights(const PolicyWeights& weights, const std::string& path, const std::string& copy_from);

// A deep copy on the same device.
PolicyWeights CloneWeights(const PolicyWeights& weights);

// The digest of a weight version: over all buffers' published tensors, the sum modulo 2^64 of a mix of tensor name,
// element index and element bits. It adds up over slices, whatever their order.
uint64_t WeightDigest(const PolicyWeights& weights);

}  // namespace plumb

#endif  // PLUMB_POLICY_WEIGHTS_H_
