#ifndef PLUMB_POLICY_KV_CACHE_H_
#define PLUMB_POLICY_KV_CACHE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/model_config.h"

namespace plumb {

inline constexpr int64_t kPageTokens = 64;

// How a page of the latent cache lies in memory. Bytes come from here, never from elements times type.
struct KvLayout {
  int64_t num_layers = 0;
  int64_t latent_width = 0;  // Rkv + Dr
  at::ScalarType dtype = at::kFloat;
  int64_t BytesPerPage() const;  // all layers
};

// The paged latent cache: one latent per token and layer, shared by all heads. Page 0 is the null page, never handed
// out.
class LatentCache {
 public:
  // Errors: kResourceExhausted with the bytes wanted.
  static absl::StatusOr<LatentCache> Create(const KvLayout& layout, int64_t num_pages, at::Device device);

  const KvLayout& layout() const { return layout_; }
  int64_t num_pages() const { return num_pages_; }
  // Returns one layer's pages, [pages, 64, Rkv + Dr].
  at::Tensor layer(int64_t index) const { return layers_[index]; }
  // Copies whole pages in all layers: from[i] -> to[i].
  void CopyPages(const std::vector<int32_t>& from, const std::vector<int32_t>& to);

 private:
  KvLayout layout_;
  int64_t num_pages_ = 0;
  std::vector<at::Tensor> layers_;  // [pages, 64, Rkv + Dr] of each layer
};

// Where attention finds keys and values: the batch's own latents (training, a prefill without a cache), or pages.
struct KvView {
  LatentCache* cache = nullptr;  // null: the batch's own latents
  // [B] the pages of each sequence, in the order of its positions; they hold all tokens up to the end of this call's.
  std::vector<std::vector<int32_t>> pages;

  static KvView Own() { return KvView(); }
};

}  // namespace plumb

#endif  // PLUMB_POLICY_KV_CACHE_H_
