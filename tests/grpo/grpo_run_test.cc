#include "grpo/grpo_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "absl/time/clock.h"
#include "base/child_process.h"
#include "grpo/grpo_trainer.h"
#include "grpo/local_services.h"
#include "tests/integration/grpo_setup.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using testing::GrpoSetup;
using ::testing::HasSubstr;
using testing::PlumbProgram;
using testing::StatusIs;

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

TEST(LocalServicesIntegrationTest, StartsAWorkerAndARewardService) {
  const GrpoSetup setup;
  ASSERT_OK(MakeFolder(setup.Run()));
  ASSERT_OK_AND_ASSIGN(const auto services,
                       LocalServices::Start(setup.Config({}), PlumbProgram(), setup.Model(), setup.Run()));
  ASSERT_EQ(services->workers().size(), 1);
  ASSERT_EQ(services->plugins().size(), 1);
  EXPECT_OK(ConnectWorkers(services->workers(), absl::Seconds(10)));
}

TEST(LocalServicesFaultTest, AProgramThatIsNotThereIsNamed) {
  const GrpoSetup setup;
  ASSERT_OK(MakeFolder(setup.Run()));
  EXPECT_THAT(LocalServices::Start(setup.Config({}), "/nowhere/plumb", setup.Model(), setup.Run()).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/plumb")));
}

TEST(GrpoRunFaultTest, TooFewRowsAreNamedBeforeAnythingStarts) {
  const GrpoSetup setup;
  EXPECT_THAT(RunGrpo(setup.Config({"prompts_per_step=33"}), {}, Resume::kNo, PlumbProgram()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has 32 rows, expected at least")));
}

TEST(GrpoRunFaultTest, ATruncatedSamplerIsRefusedInTraining) {
  const GrpoSetup setup;
  EXPECT_THAT(RunGrpo(setup.Config({"sampling.top_p=0.9"}), {}, Resume::kNo, PlumbProgram()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("top_p")));
}

// A worker of its own process, as `plumb rollout` starts it.
struct RemoteWorker {
  explicit RemoteWorker(const GrpoSetup& setup) {
    auto started = ChildProcess::Start("worker",
                                       {PlumbProgram(), "rollout", "--model", setup.Model(), "--listen", "127.0.0.1:0",
                                        "--control", "127.0.0.1:0", "--threads", "1"},
                                       "/dev/null");
    PLUMB_CHECK(started.ok()) << started.status().ToString();
    process = *std::move(started);
    const auto line = process->ReadLine(Soon());
    PLUMB_CHECK(line.ok()) << line.status().ToString();
    const auto ready = ParseJson(*line, "ready line");
    PLUMB_CHECK(ready.ok()) << ready.status().ToString();
    address = (*ready)["address"].get<std::string>();
    control_address = (*ready)["control_address"].get<std::string>();
  }
  std::string Entry() const {
    return absl::StrCat("{address: \"", address, "\", control_address: \"", control_address, "\"}");
  }
  std::unique_ptr<ChildProcess> process;
  std::string address;
  std::string control_address;
};

// Kills the process once the run's metrics show `step`.
std::thread KillAfterStep(const GrpoSetup& setup, size_t step, pid_t pid) {
  return std::thread([path = setup.Run() + "/metrics.jsonl", step, pid] {
    const absl::Time limit = Soon();
    while (absl::Now() < limit) {
      std::ifstream file(path);
      size_t lines = 0;
      for (std::string line; std::getline(file, line);) ++lines;
      if (lines > step) break;
      absl::SleepFor(absl::Milliseconds(5));
    }
    ::kill(pid, SIGKILL);
  });
}

TEST(GrpoRunFaultTest, GoesOnWithTheOtherWorkerWhenOneIsKilled) {
  const GrpoSetup setup;
  const RemoteWorker first(setup);
  const RemoteWorker second(setup);
  const std::string workers = absl::StrCat("rollout.workers=[", first.Entry(), ", ", second.Entry(), "]");
  std::thread killer = KillAfterStep(setup, 2, first.process->pid());
  const absl::Status status = RunGrpo(setup.Config({workers, "steps=6"}), {}, Resume::kNo, PlumbProgram());
  killer.join();
  EXPECT_OK(status);
  EXPECT_EQ(setup.Metric("reward/mean").size(), 6);
}

TEST(GrpoRunFaultTest, EndsWithTheWorkersNameWhenTheLastIsKilled) {
  const GrpoSetup setup;
  const RemoteWorker only(setup);
  std::thread killer = KillAfterStep(setup, 2, only.process->pid());
  const absl::Status status =
      RunGrpo(setup.Config({absl::StrCat("rollout.workers=[", only.Entry(), "]"), "steps=2000"}), {}, Resume::kNo,
              PlumbProgram());
  killer.join();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr(only.address)));
}

}  // namespace
}  // namespace plumb
