#ifndef PLUMB_POLICY_KERNELS_CUDA_GATHER_PAGES_CUDA_H_
#define PLUMB_POLICY_KERNELS_CUDA_GATHER_PAGES_CUDA_H_

#include <cstdint>

namespace plumb {

struct GatherPagesSizes {
  int64_t num_sequences;  // B
  int64_t table_width;    // P
  int64_t num_keys;       // S
  int64_t page_tokens;
  int64_t token_bytes;  // W elements; a multiple of 2
};

// GatherPages on the device; pointers are device memory, `stream` is a cudaStream_t.
// Returns the cudaError_t of the launch, 0 where it went well.
int LaunchGatherPages(const void* pages, const int32_t* table, const int32_t* lengths, void* output,
                      const GatherPagesSizes& sizes, void* stream);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_CUDA_GATHER_PAGES_CUDA_H_
