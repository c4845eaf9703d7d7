#ifndef PLUMB_TESTS_INTEGRATION_GRPO_SETUP_H_
#define PLUMB_TESTS_INTEGRATION_GRPO_SETUP_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/config.h"
#include "base/file.h"
#include "policy/policy_folder.h"
#include "policy/presets.h"
#include "policy/weights.h"
#include "proto/config.pb.h"
#include "tests/testing/test_files.h"
#include "text/text_codec.h"

namespace plumb::testing {

// A policy with random weights, prompts, and a configuration whose reward is easy to find: a digit in the completion.
class GrpoSetup {
 public:
  GrpoSetup() {
    const std::string tokenizer = SourcePath("examples/arithmetic");
    const auto codec = TextCodec::Load(tokenizer);
    PLUMB_CHECK(codec.ok()) << codec.status().ToString();
    const auto json = PresetConfig("tiny-demo", (*codec)->tokenizer().size(), (*codec)->bos_id(), (*codec)->eos_id());
    PLUMB_CHECK(json.ok()) << json.status().ToString();
    const auto model = ParseModelConfig(*json);
    PLUMB_CHECK(model.ok()) << model.status().ToString();
    PLUMB_CHECK(MakeFolder(Model()).ok());
    PLUMB_CHECK(SaveWeights(RandomWeights(*model, at::kFloat, at::kCPU, 1), Model(), tokenizer).ok());
    std::string rows;
    for (int i = 0; i < 32; ++i) absl::StrAppend(&rows, R"({"prompt": "Say number )", i, R"(:", "answer": "1"})", "\n");
    PLUMB_CHECK(WriteFileAtomic(root_.File("rows.jsonl"), rows).ok());
  }

  std::string Model() const { return root_.File("model"); }
  std::string Run() const { return root_.File("run"); }

  proto::GrpoConfig Config(const std::vector<std::string>& overrides) const {
    proto::GrpoConfig config;
    const std::string data = absl::StrCat("{file: ", root_.File("rows.jsonl"), ", prompt_template: \"{prompt}\"}");
    const std::string yaml = absl::StrCat(
        "model: ", Model(), "\noutput: ", Run(), "\nsteps: 20\nprompts_per_step: 16\ngroup_size: 8\ndata: ", data,
        "\nsampling: {max_new_tokens: 6}\nalgorithm: {advantage_std: group}\noptimizer: {learning_rate: 3e-3}\n",
        "reward: {timeout_seconds: 5, max_attempts: 2, verifiers: [{name: regex, pattern: \"[0-9]\"}]}\n",
        "eval: {every_steps: 0, data: ", data, "}\ncheckpoint: {every_steps: 4}\n",
        "compute: {threads: 2}\nrollout: {timeout_seconds: 60, compute: {threads: 2}}\n");
    const absl::StatusOr<ConfigSources> sources = ParseConfig(yaml, "test.yaml", overrides, config);
    PLUMB_CHECK(sources.ok()) << sources.status().ToString();
    return config;
  }

  // The values of a metric, a step a value, where the step has one.
  std::vector<double> Metric(const std::string& key) const {
    std::vector<double> values;
    for (const Json& line : MustReadJsonLines(Run() + "/metrics.jsonl")) {
      if (line.contains(key)) values.push_back(line[key].get<double>());
    }
    return values;
  }

 private:
  TestFolder root_;
};

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_INTEGRATION_GRPO_SETUP_H_
