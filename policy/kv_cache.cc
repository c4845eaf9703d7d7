#include "policy/kv_cache.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/torch_guard.h"

namespace plumb {

int64_t KvLayout::BytesPerPage() const {
  return num_layers * kPageTokens * latent_width * static_cast<int64_t>(c10::elementSize(dtype));
}

absl::StatusOr<LatentCache> LatentCache::Create(const KvLayout& layout, int64_t num_pages, at::Device device) {
  const absl::StatusOr<LatentCache> cache = CatchTorch("LatentCache::Create", [&]() -> absl::StatusOr<LatentCache> {
    LatentCache made;
    made.layout_ = layout;
    made.num_pages_ = num_pages;
    const at::TensorOptions options = at::TensorOptions().dtype(layout.dtype).device(device);
    for (int64_t layer = 0; layer < layout.num_layers; ++layer) {
      made.layers_.push_back(at::zeros({num_pages, kPageTokens, layout.latent_width}, options));
    }
    return made;
  });
  if (cache.ok()) return cache;
  const int64_t bytes = layout.BytesPerPage() * num_pages;
  return absl::ResourceExhaustedError(absl::StrCat("latent cache of ", num_pages, " pages needs ", bytes, " bytes on ",
                                                   device.str(), ": ", cache.status().message()));
}

void LatentCache::CopyPages(const std::vector<int32_t>& from, const std::vector<int32_t>& to) {
  PLUMB_CHECK(from.size() == to.size()) << from.size() << " pages to copy to " << to.size();
  if (from.empty()) return;
  const at::NoGradGuard no_grad;
  const at::Device device = layers_[0].device();
  const at::Tensor sources = at::tensor(from, at::kInt).to(at::kLong).to(device);
  const at::Tensor targets = at::tensor(to, at::kInt).to(at::kLong).to(device);
  for (at::Tensor& layer : layers_) layer.index_copy_(0, targets, layer.index_select(0, sources));
}

}  // namespace plumb
