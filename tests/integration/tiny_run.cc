#include "tests/integration/tiny_run.h"

#include <algorithm>

#include "base/config.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "policy/policy_folder.h"
#include "policy/presets.h"

namespace plumb::testing {
namespace {

constexpr char kConfig[] = R"(
seed: 1
steps: 20
prompts_per_step: 8
group_size: 8
sampling: {max_new_tokens: 6}
algorithm: {advantage_std: group}
optimizer: {learning_rate: 1e-2}
reward: {timeout_seconds: 5, max_attempts: 2}
rollout: {timeout_seconds: 60}
data: {file: none}
)";

double ShareOfWanted(const proto::RewardItem& item) {
  const auto count = std::count(item.completion_ids().begin(), item.completion_ids().end(), TinyRun::kWanted);
  return static_cast<double>(count) / std::max(1, item.completion_ids_size());
}

}  // namespace

PolicyWeights TinyRun::NewWeights() {
  Json json = PresetConfig("tiny-demo", 16, -1, -1).value();
  json["hidden_size"] = 32;
  json["num_hidden_layers"] = 2;
  return RandomWeights(ParseModelConfig(json).value(), at::kFloat, at::kCPU, 5);
}

TinyRun::TinyRun(std::function<void(int call)> spoil) {
  // Operations are too small for threads, which would only wait for each other.
  SetTensorThreads(1);
  plugin_ = std::make_unique<ScriptedPlugin>(
      [spoil](int call, grpc::ServerContext&, const proto::ScoreRequest& request, proto::ScoreResponse& response) {
        if (spoil != nullptr) spoil(call);
        for (int i = 0; i < request.items_size(); ++i) {
          response.mutable_results(i)->set_value(ShareOfWanted(request.items(i)));
        }
        return grpc::Status::OK;
      });
  EXPECT_TRUE(MakeFolder(model()).ok());
  EXPECT_TRUE(SaveWeights(NewWeights(), model(), folder_.path()).ok());
}

proto::GrpoConfig TinyRun::Config(const std::vector<std::string>& overrides) const {
  std::vector<std::string> all = {"model=" + model(), "output=" + run()};
  all.insert(all.end(), overrides.begin(), overrides.end());
  proto::GrpoConfig config;
  const absl::StatusOr<ConfigSources> sources = ParseConfig(kConfig, "tiny run", all, config);
  EXPECT_TRUE(sources.ok()) << sources.status();
  *config.mutable_reward()->add_plugins() = plugin_->Config("wanted");
  return config;
}

absl::StatusOr<GrpoParts> TinyRun::Parts(const proto::GrpoConfig& config, bool resume) const {
  GrpoParts parts;
  ASSIGN_OR_RETURN(parts.run, RunFolder::Open(run(), resume));
  RETURN_IF_ERROR(WriteFileAtomic(parts.run->File("config.yaml"), FormatConfig(config, {})));
  std::string policy = model();
  if (resume) {
    ASSIGN_OR_RETURN(const std::optional<std::string> checkpoint, parts.run->LatestCheckpoint());
    policy = checkpoint.value();
    ASSIGN_OR_RETURN(parts.resume, RunFolder::LoadTrainerState(policy));
  }
  ASSIGN_OR_RETURN(parts.metrics, MetricsWriter::Open(run(), resume ? parts.resume->step : -1));
  ASSIGN_OR_RETURN(parts.weights, LoadPolicyFolder(policy, at::kFloat, at::kCPU));
  if (config.algorithm().kl_coef() > 0) parts.reference = CloneWeights(parts.weights);
  ASSIGN_OR_RETURN(parts.reward, RewardClient::Connect({plugin_->Config("wanted")}, config.reward()));
  for (int64_t row = 0; row < 8; ++row) {
    PromptRow prompt;
    prompt.id = std::to_string(row);
    prompt.prompt_ids = {8 + row, 1, 15 - row};
    prompt.row_json = "{}";
    parts.rows.push_back(prompt);
  }
  parts.eval_rows = {parts.rows[0], parts.rows[1]};
  return parts;
}

absl::Status TinyRun::RunWith(std::unique_ptr<Generator> generator, const proto::GrpoConfig& config,
                              bool resume) const {
  ASSIGN_OR_RETURN(GrpoParts parts, Parts(config, resume));
  parts.generator = std::move(generator);
  ASSIGN_OR_RETURN(const std::unique_ptr<GrpoTrainer> trainer, GrpoTrainer::Create(config, std::move(parts)));
  return trainer->Run();
}

absl::Status TinyRun::RunLocally(const proto::GrpoConfig& config, bool resume) const {
  ASSIGN_OR_RETURN(std::unique_ptr<Generator> generator,
                   MakeLocalGenerator(NewWeights(), nullptr, config.rollout().engine(), at::kCPU));
  return RunWith(std::move(generator), config, resume);
}

}  // namespace plumb::testing
