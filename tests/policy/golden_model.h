#ifndef PLUMB_TESTS_POLICY_GOLDEN_MODEL_H_
#define PLUMB_TESTS_POLICY_GOLDEN_MODEL_H_

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "policy/packed_tokens.h"
#include "policy/weights.h"

namespace plumb::testing {

// A tiny published-style checkpoint of tests/golden/models and what it must compute (README.md there).
class GoldenModel {
 public:
  // The test dies where a file is missing or damaged.
  explicit GoldenModel(const std::string& name, at::ScalarType dtype = at::kFloat);

  const PolicyWeights& weights() const { return weights_; }
  PolicyWeights& weights() { return weights_; }
  const std::string& path() const { return path_; }
  // goldens.json
  const Json& facts() const { return facts_; }
  bool Has(const std::string& key) const { return goldens_->tensors().count(key) > 0; }
  // A tensor of goldens.safetensors.
  at::Tensor Golden(const std::string& key) const;
  std::vector<int64_t> Ids(const std::string& key) const;
  // Keys of goldens.safetensors that start with `prefix`, without it.
  std::vector<std::string> KeysAfter(const std::string& prefix) const;

 private:
  std::string path_;
  Json facts_;
  std::unique_ptr<SafetensorsFile> goldens_;
  PolicyWeights weights_;
};

// Every golden model; the plain ones are not quantized.
std::vector<std::string> GoldenModelNames();
std::vector<std::string> PlainGoldenModelNames();

// Compares with goldens and keeps the largest share of a tolerance that was used: the margin, which is written into the
// test's report as the property "largest_share_of_tolerance". Not thread-safe.
class GoldenMargin {
 public:
  GoldenMargin() = default;
  ~GoldenMargin();
  GoldenMargin(const GoldenMargin&) = delete;
  GoldenMargin& operator=(const GoldenMargin&) = delete;

  // Fails the test where the difference is above the tolerance or not a number.
  void Expect(double difference, double tolerance, const std::string& what);
  // The same for the largest difference of two tensors.
  void ExpectNear(const at::Tensor& found, const at::Tensor& expected, double tolerance, const std::string& what);

 private:
  double largest_ = 0.0;
  std::string where_;
};

// A small random V3 model (4 heads, 8 experts of which 2 are used, 3 layers).
PolicyWeights SmallWeights(uint64_t seed = 1, at::ScalarType dtype = at::kFloat);

// Reproducible token ids below `vocab_size`.
std::vector<int64_t> SomeIds(int64_t count, int64_t vocab_size, uint64_t seed = 1);

// Hidden states of whole sequences, by one forward without a cache.
at::Tensor ForwardWhole(const PolicyWeights& weights, const std::vector<std::vector<int64_t>>& sequences);

// A matrix written out by its rows.
at::Tensor Matrix(const std::vector<std::vector<double>>& rows, at::ScalarType type = at::kFloat);

// Largest absolute difference.
double MaxDifference(const at::Tensor& a, const at::Tensor& b);

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_POLICY_GOLDEN_MODEL_H_
