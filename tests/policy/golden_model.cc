#include "tests/policy/golden_model.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/philox.h"
#include "policy/policy.h"
#include "policy/policy_folder.h"
#include "policy/presets.h"
#include "tests/testing/test_files.h"

namespace plumb::testing {
namespace {

template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "golden model: %s\n", result.status().ToString().c_str());
    std::abort();
  }
  return *std::move(result);
}

}  // namespace

GoldenModel::GoldenModel(const std::string& name, at::ScalarType dtype)
    : path_(GoldenPath("models/" + name)),
      facts_(MustReadJson(path_ + "/goldens.json")),
      goldens_(OrDie(SafetensorsFile::Open(path_ + "/goldens.safetensors"))),
      weights_(OrDie(LoadPolicyFolder(path_, dtype, at::kCPU))) {}

at::Tensor GoldenModel::Golden(const std::string& key) const {
  const auto found = goldens_->tensors().find(key);
  if (found == goldens_->tensors().end()) {
    std::fprintf(stderr, "%s has no golden %s\n", path_.c_str(), key.c_str());
    std::abort();
  }
  const TensorBytes& bytes = found->second;
  const at::Tensor value = at::empty(bytes.shape, bytes.type == TensorType::kI64 ? at::kLong : at::kFloat);
  std::memcpy(value.mutable_data_ptr(), bytes.bytes.data(), bytes.bytes.size());
  return value;
}

std::vector<int64_t> GoldenModel::Ids(const std::string& key) const {
  const at::Tensor ids = Golden(key);
  return std::vector<int64_t>(ids.const_data_ptr<int64_t>(), ids.const_data_ptr<int64_t>() + ids.numel());
}

std::vector<std::string> GoldenModel::KeysAfter(const std::string& prefix) const {
  std::vector<std::string> keys;
  for (const auto& [name, bytes] : goldens_->tensors()) {
    if (name.rfind(prefix, 0) == 0) keys.push_back(name.substr(prefix.size()));
  }
  return keys;
}

std::vector<std::string> PlainGoldenModelNames() {
  return {"v2_lite_fp32", "v2_fp32", "v2_lite_official_heads_bf16", "v3_fp32", "v3_norope_fp32", "v3_sharded_bf16"};
}

std::vector<std::string> GoldenModelNames() {
  std::vector<std::string> names = PlainGoldenModelNames();
  names.push_back("v3_fp8");
  return names;
}

GoldenMargin::~GoldenMargin() {
  ::testing::Test::RecordProperty("largest_share_of_tolerance", std::to_string(largest_) + " in " + where_);
}

void GoldenMargin::Expect(double difference, double tolerance, const std::string& what) {
  EXPECT_LE(difference, tolerance) << what;
  if (difference / tolerance < largest_) return;
  largest_ = difference / tolerance;
  where_ = what;
}

void GoldenMargin::ExpectNear(const at::Tensor& found, const at::Tensor& expected, double tolerance,
                              const std::string& what) {
  ASSERT_EQ(found.sizes(), expected.sizes()) << what;
  Expect(MaxDifference(found, expected), tolerance, what);
}

PolicyWeights SmallWeights(uint64_t seed, at::ScalarType dtype) {
  const Json config = OrDie(PresetConfig("tiny-demo", 64, 0, 1));
  ModelConfig parsed = OrDie(ParseModelConfig(config));
  parsed.initializer_range = 0.2;  // large enough that attention and routing matter
  return RandomWeights(parsed, dtype, at::kCPU, seed);
}

std::vector<int64_t> SomeIds(int64_t count, int64_t vocab_size, uint64_t seed) {
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = Philox4x32({static_cast<uint32_t>(i), 0, 0, 0}, {static_cast<uint32_t>(seed), 0})[0];
    ids.push_back(bits % vocab_size);
  }
  return ids;
}

at::Tensor ForwardWhole(const PolicyWeights& weights, const std::vector<std::vector<int64_t>>& sequences) {
  return Forward(weights, PackSequences(sequences), KvView::Own(), ForwardContext());
}

at::Tensor Matrix(const std::vector<std::vector<double>>& rows, at::ScalarType type) {
  std::vector<at::Tensor> tensors;
  for (const std::vector<double>& row : rows) tensors.push_back(at::tensor(row, at::kDouble));
  return at::stack(tensors).to(type);
}

double MaxDifference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace plumb::testing
