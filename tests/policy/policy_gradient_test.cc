#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "policy/policy.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::GoldenMargin;
using testing::GoldenModel;
using testing::GoldenModelNames;

class PolicyGradientGoldenTest : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, PolicyGradientGoldenTest, ::testing::ValuesIn(GoldenModelNames()),
                         [](const auto& model) { return model.param; });

// The loss of the goldens: mean next-token cross-entropy over all B (T - 1) targets.
at::Tensor GoldenLoss(const GoldenModel& model) {
  const at::Tensor ids = model.Golden("grad.input_ids");
  std::vector<std::vector<int64_t>> rows;
  for (int64_t row = 0; row < ids.size(0); ++row) {
    const int64_t* begin = ids.const_data_ptr<int64_t>() + row * ids.size(1);
    rows.emplace_back(begin, begin + ids.size(1));
  }
  const at::Tensor hidden = Forward(model.weights(), PackSequences(rows), KvView::Own(), ForwardContext());
  const at::Tensor predicting = hidden.view({ids.size(0), ids.size(1), -1}).narrow(1, 0, ids.size(1) - 1).flatten(0, 1);
  const at::Tensor targets = ids.narrow(1, 1, ids.size(1) - 1).reshape({-1});
  return ScoreTokens(model.weights(), predicting, targets, 1.0).logprobs.mean().neg();
}

// Gradients under published names: the views of buffers that hold the gradients.
std::map<std::string, at::Tensor> GradientsByName(PolicyWeights& weights) {
  PolicyWeights gradients = weights;
  for (const NamedBuffer& buffer : Buffers(gradients)) {
    *buffer.tensor = buffer.trainable ? buffer.tensor->grad() : at::Tensor();
  }
  std::map<std::string, at::Tensor> named;
  for (const PublishedTensor& tensor : PublishedTensors(gradients)) named[tensor.name] = tensor.view;
  return named;
}

TEST_P(PolicyGradientGoldenTest, LossAndGradientsOfEveryParameter) {
  GoldenModel model(GetParam());
  for (const NamedBuffer& buffer : Buffers(model.weights())) buffer.tensor->set_requires_grad(buffer.trainable);
  const at::Tensor loss = GoldenLoss(model);
  loss.backward();
  GoldenMargin margin;
  margin.Expect(std::fabs(loss.item<double>() - model.facts()["gradient"]["loss"].get<double>()), 1e-4, "loss");

  const std::map<std::string, at::Tensor> gradients = GradientsByName(model.weights());
  const Json& norms = model.facts()["gradient"]["norms"];
  EXPECT_EQ(norms.size(), gradients.size());
  for (const auto& [name, gradient] : gradients) {
    ASSERT_TRUE(norms.contains(name)) << name;
    const double expected = norms[name].get<double>();
    margin.Expect(std::fabs(gradient.norm().item<double>() - expected), 1e-4 * expected + 1e-7, name + ": norm");
  }
  for (const std::string& name : model.KeysAfter("grad.full.")) {
    const at::Tensor expected = model.Golden("grad.full." + name);
    margin.ExpectNear(gradients.at(name), expected, 1e-3 * expected.abs().max().item<double>() + 1e-12, name);
  }
  for (const std::string& name : model.KeysAfter("grad.top16x32.")) {
    const at::Tensor expected = model.Golden("grad.top16x32." + name);
    const at::Tensor corner = gradients.at(name).narrow(0, 0, expected.size(0)).narrow(1, 0, expected.size(1));
    const double largest = gradients.at(name).abs().max().item<double>();
    margin.ExpectNear(corner, expected, 1e-3 * largest + 1e-12, name);
  }
  const at::Tensor rows = gradients.at("model.embed_tokens.weight").norm(2, 1);
  EXPECT_TRUE(rows.allclose(model.Golden("grad.embed_row_norms"), 1e-3, 1e-6));
}

}  // namespace
}  // namespace plumb
