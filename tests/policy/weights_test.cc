#include "policy/weights.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "policy/model_size.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::SmallWeights;

TEST(WeightsTest, PublishedTensorsAreViewsOfTheBuffers) {
  PolicyWeights weights = SmallWeights();
  for (const PublishedTensor& tensor : PublishedTensors(weights)) {
    EXPECT_TRUE(tensor.view.is_contiguous()) << tensor.name;
    if (tensor.name == "model.layers.1.mlp.experts.3.up_proj.weight") tensor.view.fill_(7.0);
  }
  const int64_t width = weights.config.moe_intermediate_size;
  EXPECT_TRUE(weights.layers[1].expert_gate_up[3].narrow(0, width, width).eq(7.0).all().item<bool>());
  EXPECT_FALSE(weights.layers[1].expert_gate_up[3].narrow(0, 0, width).eq(7.0).any().item<bool>());
}

TEST(WeightsTest, PublishedTensorsCoverEveryElementOnce) {
  PolicyWeights weights = SmallWeights();
  std::set<std::string> names;
  int64_t published = 0;
  for (const PublishedTensor& tensor : PublishedTensors(weights)) {
    EXPECT_TRUE(names.insert(tensor.name).second) << tensor.name;
    published += tensor.view.numel();
  }
  int64_t buffers = 0;
  for (const NamedBuffer& buffer : Buffers(weights)) buffers += buffer.tensor->numel();
  EXPECT_EQ(published, buffers);
  EXPECT_EQ(published, NumParameters(weights.config));
}

TEST(WeightsTest, WhatIsTrainedAndDecays) {
  PolicyWeights weights = SmallWeights();
  for (const NamedBuffer& buffer : Buffers(weights)) {
    const bool bias = buffer.name.find("gate_bias") != std::string::npos;
    EXPECT_EQ(buffer.trainable, !bias) << buffer.name;
    EXPECT_EQ(buffer.decays, buffer.tensor->dim() >= 2 && buffer.name != "embed") << buffer.name;
  }
}

TEST(WeightsTest, ATiedHeadIsOneBuffer) {
  PolicyWeights weights = SmallWeights();
  ModelConfig tied = weights.config;
  tied.tie_word_embeddings = true;
  PolicyWeights random = RandomWeights(tied, at::kFloat, at::kCPU, 1);
  EXPECT_TRUE(random.lm_head.is_same(random.embed));
  EXPECT_EQ(Buffers(random).size() + 1, Buffers(weights).size());
  const PolicyWeights copy = CloneWeights(random);
  EXPECT_TRUE(copy.lm_head.is_same(copy.embed));
  EXPECT_FALSE(copy.embed.is_same(random.embed));
}

TEST(WeightsTest, CloneIsDeep) {
  PolicyWeights weights = SmallWeights();
  weights.embed.set_requires_grad(true);
  PolicyWeights copy = CloneWeights(weights);
  EXPECT_FALSE(copy.embed.requires_grad());
  copy.layers[0].o.zero_();
  EXPECT_TRUE(weights.layers[0].o.ne(0.0).any().item<bool>());
}

}  // namespace
}  // namespace plumb
