#include "policy/workspace.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "policy/kernels/cpu/parallel.h"
#include "policy/kv_cache.h"
#include "policy/policy.h"
#include "tests/policy/exactness/each_isa.h"
#include "tests/policy/exactness/host_cost.h"
#include "tests/policy/golden_model.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using testing::HostCost;
using testing::SomeIds;

TEST(WorkspaceTest, ReservesAgainWhatItHas) {
  const PolicyWeights weights = testing::SmallWeights();
  Workspace workspace(weights.config);
  char* const memory = workspace.Reserve(1000);
  EXPECT_EQ(workspace.Reserve(500), memory);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(workspace.Reserve(100000)) % 64, 0u);
  const at::Tensor results = workspace.Results(2, 3);
  EXPECT_EQ(workspace.Results(2, 3).data_ptr(), results.data_ptr());
  EXPECT_EQ(workspace.Results(3, 3).sizes(), at::IntArrayRef({3, 3}));
}

// Steps of some sequences over a cache, as an engine makes them.
class WorkspaceStepTest : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  WorkspaceStepTest() : weights_(testing::SmallWeights(1, GetParam())), workspace_(weights_.config) {
    const KvLayout layout = {weights_.config.num_layers, weights_.config.LatentWidth(), GetParam()};
    absl::StatusOr<LatentCache> cache = LatentCache::Create(layout, /*num_pages=*/9, at::kCPU);
    EXPECT_THAT(cache, testing::IsOk());
    cache_.emplace(*std::move(cache));
    view_ = {&*cache_, {{1, 2}, {3, 4}, {5, 6}}};
    tokens_.ids = at::tensor(SomeIds(3, weights_.config.vocab_size), at::kLong);
    tokens_.positions = at::zeros({3}, at::kLong);
    tokens_.starts = {0, 1, 2, 3};
    rows_ = {0, 1, 2};
  }

  // What steps `first` to `last` cost.
  HostCost Step(int64_t first, int64_t last, Workspace* workspace) {
    const at::NoGradGuard no_grad;
    ForwardContext context;
    context.workspace = workspace;
    const HostCost before = HostCost::Now();
    for (int64_t position = first; position <= last; ++position) {
      std::fill_n(tokens_.positions.mutable_data_ptr<int64_t>(), 3, position);
      LogitsOfRows(weights_, tokens_, view_, context, rows_);
    }
    return HostCost::Now() - before;
  }

  const PolicyWeights weights_;
  Workspace workspace_;
  std::optional<LatentCache> cache_;
  KvView view_;
  PackedTokens tokens_;
  std::vector<int64_t> rows_;
};

TEST_P(WorkspaceStepTest, AStepAllocatesNothingAfterWarmUp) {
  testing::ForEachIsa([&](cpu::Isa) {
    testing::ForEachThreadCount([&](int) {
      // A thread warms up where it first works on an operation, which other programs on its core may put off.
      int64_t allocations = -1;
      for (int tries = 0; tries < 50 && allocations != 0; ++tries) {
        Step(0, 70, &workspace_);  // two blocks of keys
        allocations = Step(71, 90, &workspace_).allocations;
      }
      EXPECT_EQ(allocations, 0);
      EXPECT_GT(Step(71, 71, nullptr).allocations, 0);  // what the count counts
    });
  });
}

TEST_P(WorkspaceStepTest, AStepIsOneParallelRegion) {
  testing::ForEachThreadCount([&](int threads) {
    EXPECT_LE(Step(0, 9, &workspace_).regions, 10 * (threads - 1));  // fewer where other programs keep the cores
    const HostCost before = HostCost::Now();
    cpu::ParallelTasks(2, [](int64_t) {});
    EXPECT_EQ((HostCost::Now() - before).regions, threads - 1);  // what the count counts
  });
}

INSTANTIATE_TEST_SUITE_P(Types, WorkspaceStepTest, ::testing::Values(at::kFloat, at::kBFloat16));

}  // namespace
}  // namespace plumb
