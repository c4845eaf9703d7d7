#ifndef PLUMB_POLICY_POLICY_H_
#define PLUMB_POLICY_POLICY_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/forward_context.h"
#include "policy/kv_cache.h"
#include "policy/packed_tokens.h"
#include "policy/weights.h"

namespace plumb {

// The one forward that training, prefill and decode share. Tensor maths: throws what LibTorch throws; callers use
// base/torch_guard. Gradients flow where the weights require them, but none over pages, whose latents
// are of other calls too.
//
//   tokens   N packed tokens
//   view     the batch's own latents, or pages; with pages this call's latents are written into them first
//   returns  [N, D] hidden states after the last norm, in the compute type
at::Tensor Forward(const PolicyWeights& weights, const PackedTokens& tokens, const KvView& view,
                   const ForwardContext& context);

// Logits of some tokens: Logits(Forward(...)) of these rows, to the bit, without what only the others need. With a
// workspace in the context the result is of its memory, and valid until the next call.
//   rows     [M] int64, of the N tokens
//   returns  [M, V] float32
at::Tensor LogitsOfRows(const PolicyWeights& weights, const PackedTokens& tokens, const KvView& view,
                        const ForwardContext& context, const std::vector<int64_t>& rows);

// Logits of hidden states.
//   hidden   [M, D]
//   returns  [M, V] float32
at::Tensor Logits(const PolicyWeights& weights, const at::Tensor& hidden);

struct TokenScores {
  at::Tensor logprobs;  // [M] float32, natural log
  at::Tensor entropy;   // [M] float32, of the same distribution, detached
};

// Scores given tokens under softmax(logits / temperature), without the whole of many logits (ComputeTokenLogprobs()).
//   hidden   [M, D] at the positions that predict the tokens
//   targets  [M] int64, below num_ids
//   num_ids  the distribution is over the ids below it: a sampler never draws padding rows, which no token of the
//            tokenizer has. 0: the whole vocabulary
TokenScores ScoreTokens(const PolicyWeights& weights, const at::Tensor& hidden, const at::Tensor& targets,
                        double temperature, int64_t num_ids = 0);

// The first place where a forward's hidden states are not finite: "the embeddings", "layer 3", "the last norm"; nothing
// where all are finite (then the output head is to blame). Runs the forward once more.
std::optional<std::string> FindNonFinite(const PolicyWeights& weights, const PackedTokens& tokens, const KvView& view,
                                         const ForwardContext& context);

}  // namespace plumb

#endif  // PLUMB_POLICY_POLICY_H_
