#include "policy/kv_cache.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

TEST(KvCacheTest, BytesOfAPage) {
  EXPECT_EQ((KvLayout{2, 48, at::kFloat}).BytesPerPage(), 2 * 64 * 48 * 4);
  EXPECT_EQ((KvLayout{27, 576, at::kBFloat16}).BytesPerPage(), 27 * 64 * 576 * 2);
}

TEST(KvCacheTest, CopiesPagesInAllLayers) {
  ASSERT_OK_AND_ASSIGN(LatentCache cache, LatentCache::Create({2, 3, at::kFloat}, 4, at::kCPU));
  cache.layer(0).select(0, 1).fill_(1.0);
  cache.layer(1).select(0, 1).fill_(2.0);
  cache.CopyPages({1}, {3});
  EXPECT_TRUE(cache.layer(0).select(0, 3).eq(1.0).all().item<bool>());
  EXPECT_TRUE(cache.layer(1).select(0, 3).eq(2.0).all().item<bool>());
  EXPECT_TRUE(cache.layer(1).select(0, 2).eq(0.0).all().item<bool>());
}

TEST(KvCacheFaultTest, TooLargeACacheNamesTheBytes) {
  EXPECT_THAT(LatentCache::Create({1, 576, at::kFloat}, int64_t{1} << 40, at::kCPU),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("162129586585337856 bytes")));
}

}  // namespace
}  // namespace plumb
