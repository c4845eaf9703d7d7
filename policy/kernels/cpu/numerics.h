#ifndef PLUMB_POLICY_KERNELS_CPU_NUMERICS_H_
#define PLUMB_POLICY_KERNELS_CPU_NUMERICS_H_

#include <cstdint>

// The numerics of the CPU kernels: in which order everything is added, in one place. It is what makes a token's numbers
// independent of the batch around it: no rule below knows the number of rows, the row's place, the tile, the chunk of a
// prefill or the number of threads. A change here changes the bits of every model.
//
// All sums are float32 with fused multiply-add, whatever the stored type; a result is rounded to its stored type once.
// A class's lanes, L, are 8 for avx2 and 16 for avx512: with them the bits differ between the classes.
//
// Sum of lanes. In each quarter of four lanes (l0 + l2) + (l1 + l3); then the upper half of the quarters is added to
// the lower half until one is left.
//
// Dot product over D elements (products with weights whose rows are stored, y = x W^T; router; norms). D is cut into
// blocks of kDotBlock from its start. In a block, lane l takes the elements d with d % L == l, ascending, from zero;
// elements missing in the last vector count as zero; then the sum of lanes. Blocks are added ascending.
//
// Column product (products with matrices whose columns lie side by side, y = x W, and gradients). Each result adds its
// terms in ascending order of the inner index, from zero or, where it is added to a gradient, from that.
//
// Attention. A query row is one head of one token; it is multiplied by the softmax scale first. The keys of its
// sequence are cut into blocks of kKeyBlock positions from the start of the sequence, and the blocks into splits of
// kBlocksPerSplit. A score is one chain of FMAs over the width, ascending, from zero. Inside a split, from maximum
// -FLT_MAX, sum 0 and output 0: each block's largest score joins the maximum; sum and output are multiplied by
// e^(old - new maximum); then each key in ascending order adds its weight e^(score - maximum) to the sum, and its
// weight times its value to the output. Keys after the row's own position have weight 0 and change nothing. Splits are
// merged from left to right: sum = fma(sum of the next, e^(its maximum - m), sum so far * e^(maximum so far - m)) with
// m the larger maximum, and the output likewise; a split without a visible key changes nothing. The output is
// multiplied by 1 / sum. Both classes give the same bits, for nothing is added across lanes.
//
// Experts: each expert's result is rounded to the type of the activations, then weighted and added in float32 in
// ascending order of the expert, then rounded.
//
// Vocabulary (log-probabilities): logits are float32. A row's distribution is cut into chunks of kVocabularyChunk ids
// from id 0; each chunk has its maximum and its sum of exponentials; a running pair takes the chunks in ascending
// order.
namespace plumb::cpu {

inline constexpr int64_t kDotBlock = 1024;

inline constexpr int64_t kVocabularyChunk = 256;

// Positions per block of keys in attention, counted from the start of the sequence: one page of the latent cache.
inline constexpr int64_t kKeyBlock = 64;

// Blocks of keys with one running maximum.
inline constexpr int64_t kBlocksPerSplit = 4;

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_NUMERICS_H_
