#ifndef PLUMB_TESTS_INTEGRATION_TINY_RUN_H_
#define PLUMB_TESTS_INTEGRATION_TINY_RUN_H_

#include <memory>
#include <string>
#include <vector>

#include "grpo/grpo_trainer.h"
#include "tests/reward/scripted_plugin.h"
#include "tests/testing/test_files.h"

namespace plumb::testing {

// What it takes to run GRPO in a test: a policy of two small layers over 16 tokens without a tokenizer, eight prompts,
// and a plug-in in this process that rewards the share of the token 3 in a completion of six.
class TinyRun {
 public:
  static constexpr int64_t kWanted = 3;

  // `spoil` is called with each Score call's number before it is answered.
  explicit TinyRun(std::function<void(int call)> spoil = nullptr);

  // The resolved configuration, with values such as "steps=4" over the run's own.
  proto::GrpoConfig Config(const std::vector<std::string>& overrides) const;
  // Everything but a generator. With `resume`, from the newest checkpoint.
  absl::StatusOr<GrpoParts> Parts(const proto::GrpoConfig& config, bool resume) const;
  // With an engine in this process.
  absl::Status RunLocally(const proto::GrpoConfig& config, bool resume) const;
  // With the given generator.
  absl::Status RunWith(std::unique_ptr<Generator> generator, const proto::GrpoConfig& config, bool resume) const;

  std::vector<Json> Metrics() const { return MustReadJsonLines(folder_.File("run/metrics.jsonl")); }
  std::string model() const { return folder_.File("model"); }
  std::string run() const { return folder_.File("run"); }
  ScriptedPlugin& plugin() { return *plugin_; }
  // New weights, always the same.
  static PolicyWeights NewWeights();

 private:
  TestFolder folder_;
  std::unique_ptr<ScriptedPlugin> plugin_;
};

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_INTEGRATION_TINY_RUN_H_
