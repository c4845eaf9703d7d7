// What becomes of a GRPO run when a worker, the reward plug-in or the run itself is lost.
#include <gmock/gmock.h>
#include <signal.h>

#include "base/file.h"
#include "grpo/grpo_run.h"
#include "grpo/local_services.h"
#include "tests/integration/tiny_run.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TinyRun;

// A run with real worker processes of which the first is killed while it generates.
absl::Status RunAndKillAWorker(const TinyRun& run, int num_workers) {
  const proto::GrpoConfig config =
      run.Config({"steps=2", "prompts_per_step=4", "sampling.max_new_tokens=80", "rollout.compute.threads=1",
                  "rollout.local_workers=" + std::to_string(num_workers), "rollout.engine.max_running_sequences=4"});
  EXPECT_TRUE(MakeFolder(run.run()).ok());
  auto services = LocalServices::Start(config, testing::PlumbProgram(), run.model(), run.run());
  if (!services.ok()) return services.status();
  const ChildProcess& victim = *(*services)->children()[0].process;
  bool killed = false;
  const GenerationProgress kill_in_the_middle = [&](int64_t, int64_t, int64_t tokens) {
    if (killed || tokens < 50) return;
    killed = true;
    ::kill(victim.pid(), SIGKILL);
  };
  auto pool = ConnectWorkers((*services)->workers(), absl::Seconds(20), kill_in_the_middle);
  if (!pool.ok()) return pool.status();
  const absl::Status status = run.RunWith(*std::move(pool), config, /*resume=*/false);
  EXPECT_TRUE(killed);
  return (*services)->Explain(status);
}

TEST(GrpoFaultTest, GoesOnWithTheWorkerThatIsLeft) {
  TinyRun run;
  ASSERT_OK(RunAndKillAWorker(run, 2));
  EXPECT_EQ(run.Metrics().size(), 3u);
}

TEST(GrpoFaultTest, NamesTheLastWorkerWhenItIsLost) {
  TinyRun run;
  EXPECT_THAT(RunAndKillAWorker(run, 1),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("rollout worker 0 (pid "), HasSubstr("was killed by signal 9"))));
}

TEST(GrpoFaultTest, NamesTheRewardPluginThatIsGone) {
  TinyRun run;
  ASSERT_OK_AND_ASSIGN(GrpoParts parts, run.Parts(run.Config({"steps=3"}), /*resume=*/false));
  run.plugin().ShutDown();
  ASSERT_OK_AND_ASSIGN(parts.generator,
                       MakeLocalGenerator(TinyRun::NewWeights(), nullptr, run.Config({}).rollout().engine(), at::kCPU));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<GrpoTrainer> trainer,
                       GrpoTrainer::Create(run.Config({"steps=3"}), std::move(parts)));
  EXPECT_THAT(trainer->Run(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("wanted")));
}

TEST(GrpoFaultTest, ASlowEndOfTheWorkersIsADeadline) {
  TinyRun run;
  const proto::GrpoConfig config = run.Config({"steps=1", "rollout.timeout_seconds=1e-6"});
  EXPECT_THAT(run.RunLocally(config, /*resume=*/false),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("0 of 2 completions were finished")));
}

TEST(GrpoFaultTest, AChildThatCannotStartIsExplained) {
  TinyRun run;
  EXPECT_THAT(
      LocalServices::Start(run.Config({}), testing::PlumbProgram(), "/nowhere/model", run.model()),
      StatusIs(absl::StatusCode::kUnavailable, AllOf(HasSubstr("rollout worker 0"), HasSubstr("/nowhere/model"))));
}

}  // namespace
}  // namespace plumb
