#include <cuda_runtime.h>

#include "policy/kernels/cuda/gather_pages_cuda.h"

namespace plumb {
namespace {

constexpr int kThreads = 128;

// One block per token of one sequence; grid (S, B). `Word` is the widest type that divides a token's bytes.
template <typename Word>
__global__ void GatherPagesKernel(const Word* pages, const int32_t* table, const int32_t* lengths, Word* output,
                                  GatherPagesSizes sizes) {
  const int64_t position = blockIdx.x;
  const int64_t sequence = blockIdx.y;
  const int64_t words = sizes.token_bytes / static_cast<int64_t>(sizeof(Word));
  Word* to = output + (sequence * sizes.num_keys + position) * words;
  if (position >= lengths[sequence]) {
    for (int64_t i = threadIdx.x; i < words; i += kThreads) to[i] = Word{};
    return;
  }
  const int64_t page = table[sequence * sizes.table_width + position / sizes.page_tokens];
  const Word* from = pages + (page * sizes.page_tokens + position % sizes.page_tokens) * words;
  for (int64_t i = threadIdx.x; i < words; i += kThreads) to[i] = from[i];
}

template <typename Word>
void Launch(const void* pages, const int32_t* table, const int32_t* lengths, void* output,
            const GatherPagesSizes& sizes, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(sizes.num_keys), static_cast<unsigned>(sizes.num_sequences));
  GatherPagesKernel<Word><<<grid, kThreads, 0, stream>>>(static_cast<const Word*>(pages), table, lengths,
                                                         static_cast<Word*>(output), sizes);
}

}  // namespace

int LaunchGatherPages(const void* pages, const int32_t* table, const int32_t* lengths, void* output,
                      const GatherPagesSizes& sizes, void* stream) {
  if (sizes.num_sequences == 0 || sizes.num_keys == 0) return cudaSuccess;
  const cudaStream_t cuda_stream = static_cast<cudaStream_t>(stream);
  if (sizes.token_bytes % 16 == 0) {
    Launch<uint4>(pages, table, lengths, output, sizes, cuda_stream);
  } else if (sizes.token_bytes % 4 == 0) {
    Launch<uint32_t>(pages, table, lengths, output, sizes, cuda_stream);
  } else {
    Launch<uint16_t>(pages, table, lengths, output, sizes, cuda_stream);
  }
  return cudaGetLastError();
}

}  // namespace plumb
