#ifndef PLUMB_POLICY_WORKSPACE_OPS_H_
#define PLUMB_POLICY_WORKSPACE_OPS_H_

#include <ATen/core/Tensor.h>

#include <array>

#include "policy/kernels/cpu/dot_product.h"
#include "policy/kernels/cpu/expert_choice.h"
#include "policy/kernels/cpu/float_type.h"
#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kv_cache.h"
#include "policy/packed_tokens.h"
#include "policy/weights.h"
#include "policy/workspace.h"

namespace plumb {

// What a forward over a workspace runs on.
struct WorkspaceForward {
  const ModelConfig& config;
  const PackedTokens& tokens;
  LatentCache* cache = nullptr;  // null: the batch's own latents
  Workspace& workspace;
};

// The operations of TensorOps (policy/tensor_ops.h) with the same bits, on the CPU and without gradients: the kernels
// of policy/kernels/cpu over memory of a workspace. All threads of a cpu::RunTogether() run the same operations, each
// on an object of its own; they share each operation's work, and wait for each other only where an operation reads what
// others may not have written yet. Operations neither allocate nor throw.
class WorkspaceOps {
 public:
  // A matrix in the workspace; rows lie side by side.
  struct Array {
    char* memory = nullptr;  // [rows, width]
    int64_t rows = 0;
    int64_t width = 0;
    cpu::FloatType type = cpu::FloatType::kFloat32;
    // How often the threads had waited when it was written; they have to again before it is read, unless by_rows.
    int64_t written = -1;
    // Each thread wrote its own range of rows, and may read that without waiting.
    bool by_rows = false;
  };

  // The experts of each token.
  struct Choice {
    Array weights;               // [N, K]
    int64_t* experts = nullptr;  // [N, K]
    cpu::ExpertOrder order;
    int64_t written = -1;
  };

  // Bytes of the parts of a forward's memory: what stays, and what every other layer may write again.
  using Sizes = std::array<int64_t, 3>;

  // An object that only measures: operations do nothing but take memory.
  WorkspaceOps(const WorkspaceForward& forward, cpu::FloatType type);
  // An object that works in `memory`, which has room for `sizes` of one that measured the same operations.
  WorkspaceOps(const WorkspaceForward& forward, cpu::FloatType type, char* memory, const Sizes& sizes);

  const Sizes& sizes() const { return peaks_; }

  // As in TensorOps:
  //   embed  [V, D]
  Array Embed(const at::Tensor& embed);
  void BeginLayer(int64_t index, const Array& hidden);
  //   weight  [out, width]
  //   bias    [out], or undefined
  Array Linear(const Array& input, const at::Tensor& weight, const at::Tensor& bias = {});
  //   gate_up  [2 * I, D]
  Array GatedLinear(const Array& input, const at::Tensor& gate_up);
  //   weight  [width]
  Array RmsNorm(const Array& input, const at::Tensor& weight, double epsilon);
  Array Add(const Array& left, const Array& right);
  //   norm  [Rkv]
  Array Latents(const Array& latents, const at::Tensor& norm);
  //   kv_b  [H * (Dn + Dv), Rkv]
  Array Attend(const Array& queries, const Array& latents, const at::Tensor& kv_b);
  //   gate       [E, D] float32
  //   gate_bias  [E] float32, or undefined
  Choice ChooseExperts(const Array& hidden, const at::Tensor& gate, const at::Tensor& gate_bias);
  //   expert_gate_up  [E, 2 * I, D]
  //   expert_down     [E, D, I]
  Array Experts(const Array& hidden, const Choice& choice, const at::Tensor& expert_gate_up,
                const at::Tensor& expert_down);

  // Rows of an array.
  //   rows  [M], valid until the operations end
  Array Pick(const Array& input, const std::vector<int64_t>& rows);
  // Into a tensor outside of the workspace.
  //   output  [rows, width] of the compute type
  void Store(const Array& input, const at::Tensor& output);
  // As LinearToFloat(), into a tensor outside of the workspace.
  //   head    [V, D]
  //   output  [rows, V] float32
  void LogitsInto(const Array& input, const at::Tensor& head, const at::Tensor& output);

 private:
  // Attend() is made of these.
  //   queries  [N, H * (Dn + Dr)] -> [N, H * (Rkv + Dr)]
  Array LatentQueries(const Array& queries, const at::Tensor& kv_b);
  //   queries  [N, H * (Rkv + Dr)] -> [N, H * Rkv]
  Array AttendLatents(const Array& queries, const Array& latents);
  //   mixed    [N, H * Rkv] -> [N, H * Dv]
  Array HeadValues(const Array& mixed, const at::Tensor& kv_b);

  int64_t num_tokens() const { return forward_.tokens.num_tokens(); }
  char* Take(int64_t bytes);
  Array TakeArray(int64_t rows, int64_t width, cpu::FloatType type);
  void Await(int64_t written);
  void AwaitWhole(const Array& array);
  void AwaitOwnRows(const Array& array);
  // body(begin, end) writes the thread's own rows of `output`.
  template <typename Body>
  void ForOwnRows(Array& output, const Body& body) {
    output.by_rows = true;
    output.written = waits_;
    if (!measures_) cpu::ParallelRanges(output.rows, 1, body);
  }
  Array Floats(const Array& input);
  cpu::RopeRows Rotation(const Array& from, int64_t first, const Array& to) const;
  //   weight  [out, width]
  //   bias    [out], or undefined
  void Multiply(const Array& floats, const at::Tensor& weight, const at::Tensor& bias, Array& output);
  //   gate_bias  [E] float32, or undefined
  void RouteRows(const Array& logits, const Array& scores, const at::Tensor& gate_bias, const Choice& choice);
  Array RowsOfExperts(const Array& hidden, const Choice& choice);
  //   gate_up  [E, 2 * I, D]
  Array GatedExperts(const Array& rows, const Choice& choice, const at::Tensor& gate_up);
  //   down  [E, D, I]
  Array DownExperts(const Array& inner, const Choice& choice, const at::Tensor& down);

  const WorkspaceForward& forward_;
  const cpu::FloatType type_;  // of weights and activations
  const bool measures_;
  std::array<char*, 3> parts_ = {};
  Sizes used_ = {};
  Sizes peaks_ = {};
  int part_ = 0;
  int64_t layer_ = 0;
  int64_t waits_ = 0;
  Array cosines_;      // [N, Dr / 2]
  Array sines_;        // [N, Dr / 2]
  Array wide_source_;  // the last array that Floats() has copied
  Array wide_copy_;
};

// Runs program(ops) over the forward's workspace: once to see how much memory it takes, then in all threads.
//   type  of weights and activations
template <typename Program>
void RunOverWorkspace(const WorkspaceForward& forward, cpu::FloatType type, const Program& program) {
  WorkspaceOps measure(forward, type);
  program(measure);
  const WorkspaceOps::Sizes& sizes = measure.sizes();
  char* const memory = forward.workspace.Reserve(sizes[0] + sizes[1] + sizes[2]);
  cpu::RunTogether([&] {
    WorkspaceOps ops(forward, type, memory, sizes);
    program(ops);
  });
}

}  // namespace plumb

#endif  // PLUMB_POLICY_WORKSPACE_OPS_H_
