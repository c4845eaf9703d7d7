#include "tools/models/memory_plan.h"

#include <gtest/gtest.h>

#include "policy/model_size.h"
#include "policy/presets.h"

namespace plumb::cli {
namespace {

ModelConfig Model() { return *ParseModelConfig(*PresetConfig("bench-t", 4096, 0, 1)); }

double PartOf(const StageMemory& stage, const std::string& name) {
  for (const MemoryPart& part : stage.parts) {
    if (part.name == name) return part.bytes;
  }
  return 0;
}

TEST(MemoryPlanTest, Float32WeightsTakeFourBytesEach) {
  EXPECT_EQ(LoadMemory(Model(), "float32").Total(), 4.0 * static_cast<double>(NumParameters(Model())));
  const double routers = 5.0 * 16 * 257;  // 5 layers of 16 experts: a row of 256 and a bias each
  EXPECT_EQ(LoadMemory(Model(), "bfloat16").Total(), 2.0 * (static_cast<double>(NumParameters(Model())) + routers));
}

TEST(MemoryPlanTest, ATrainerTakesSixteenBytesAParameterBesidesActivations) {
  proto::SftConfig config;
  config.set_micro_batch_tokens(128);
  for (const char* dtype : {"float32", "bfloat16"}) {
    config.mutable_compute()->set_dtype(dtype);
    const StageMemory stage = SftMemory(Model(), config);
    double kept = 0;
    for (const MemoryPart& part : stage.parts) kept += part.estimate ? 0 : part.bytes;
    EXPECT_NEAR(kept / static_cast<double>(NumParameters(Model())), 16.0, 0.02) << dtype;
    EXPECT_EQ(PartOf(stage, "logits of 128 tokens"), (2.0 * 4096 + 16 * 3) * 128 * 4);
  }
}

TEST(MemoryPlanTest, OfManyLogitsAFewAreThereAtATime) {
  proto::SftConfig config;
  config.set_micro_batch_tokens(65536);
  EXPECT_EQ(PartOf(SftMemory(Model(), config), "logits of 65536 tokens"),
            (32 + 3 * 16) * 1048576.0 + 65536 * 16 * 3 * 4.0);
}

TEST(MemoryPlanTest, GrpoCountsWorkersThatItStartsAndTheReference) {
  proto::GrpoConfig config;
  config.set_micro_batch_tokens(128);
  config.mutable_compute()->set_dtype("float32");
  config.mutable_rollout()->set_local_workers(2);
  config.mutable_rollout()->mutable_compute()->set_dtype("bfloat16");
  config.mutable_rollout()->mutable_engine()->set_cache_pages(10);
  StageMemory stage = GrpoMemory(Model(), config);
  EXPECT_EQ(PartOf(stage, "2 rollout workers: cache"), 2.0 * 10 * 64 * 6 * 80 * 2);
  EXPECT_EQ(PartOf(stage, "reference policy"), 0);
  config.mutable_algorithm()->set_kl_coef(0.1);
  config.mutable_rollout()->add_workers()->set_address("somewhere:1");
  stage = GrpoMemory(Model(), config);
  EXPECT_EQ(PartOf(stage, "reference policy"), 4.0 * static_cast<double>(NumParameters(Model())));
  EXPECT_EQ(PartOf(stage, "2 rollout workers: cache"), 0);
}

}  // namespace
}  // namespace plumb::cli
