#include "train/run_folder.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::MustRead;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;

TrainerState StateAt(int64_t step) {
  TrainerState state;
  state.step = step;
  state.values = {{"position", step * 10}};
  state.tensors["exp_avg.w"] = at::full({2}, static_cast<double>(step));
  return state;
}

absl::Status Save(RunFolder& run, int64_t step, int keep = 2) {
  return run.SaveCheckpoint(StateAt(step), keep, [&](const std::string& folder) {
    return WriteFileAtomic(JoinPath(folder, "policy"), absl::StrCat("policy of step ", step));
  });
}

TEST(RunFolderTest, ASavedStateReadsBack) {
  const TestFolder root;
  ASSERT_OK_AND_ASSIGN(const auto run, RunFolder::Open(root.File("run"), false));
  EXPECT_THAT(run->LatestCheckpoint(), IsOkAndHolds(Eq(std::nullopt)));
  ASSERT_OK(Save(*run, 7));
  ASSERT_OK_AND_ASSIGN(const std::optional<std::string> latest, run->LatestCheckpoint());
  ASSERT_EQ(latest, root.File("run/checkpoints/step-7"));
  ASSERT_OK_AND_ASSIGN(const TrainerState state, RunFolder::LoadTrainerState(*latest));
  EXPECT_EQ(state.step, 7);
  EXPECT_EQ(state.values["position"], 70);
  EXPECT_TRUE(at::equal(state.tensors.at("exp_avg.w"), at::full({2}, 7.0)));
}

TEST(RunFolderTest, LatestIsARelativeLinkToTheNewest) {
  const TestFolder root;
  ASSERT_OK_AND_ASSIGN(const auto run, RunFolder::Open(root.File("run"), false));
  ASSERT_OK(Save(*run, 1));
  ASSERT_OK(Save(*run, 2));
  EXPECT_EQ(std::filesystem::read_symlink(run->File("checkpoints/latest")), "step-2");
  EXPECT_EQ(MustRead(run->File("checkpoints/latest/policy")), "policy of step 2");
}

TEST(RunFolderTest, KeepsTheNewestCheckpoints) {
  const TestFolder root;
  ASSERT_OK_AND_ASSIGN(const auto run, RunFolder::Open(root.File("run"), false));
  for (const int64_t step : {8, 9, 10, 11}) ASSERT_OK(Save(*run, step, /*keep=*/2));
  EXPECT_THAT(ListFolder(run->File("checkpoints")), IsOkAndHolds(ElementsAre("latest", "step-10", "step-11")));
}

TEST(RunFolderTest, ARunIsNotOverwrittenButResumed) {
  const TestFolder root;
  EXPECT_THAT(RunFolder::Open(root.File("run"), true), StatusIs(absl::StatusCode::kNotFound, HasSubstr("no run")));
  ASSERT_OK(RunFolder::Open(root.File("run"), false));
  // Nothing is lost yet: a run that failed before its first step may be started again.
  ASSERT_OK_AND_ASSIGN(auto run, RunFolder::Open(root.File("run"), false));
  ASSERT_OK(Save(*run, 1));
  run.reset();
  EXPECT_THAT(RunFolder::Open(root.File("run"), false),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("--resume")));
  EXPECT_OK(RunFolder::Open(root.File("run"), true));
}

TEST(RunFolderTest, MetricsOfAStepAreARunToo) {
  const TestFolder root;
  ASSERT_OK(WriteFileAtomic(root.File("metrics.jsonl"), "{\"step\":1}\n"));
  EXPECT_THAT(RunFolder::Open(root.path(), false), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(root.path())));
}

TEST(RunFolderFaultTest, ResumeRemovesWhatAKilledRunWasWriting) {
  const TestFolder root;
  ASSERT_OK_AND_ASSIGN(auto run, RunFolder::Open(root.File("run"), false));
  ASSERT_OK(Save(*run, 1));
  ASSERT_OK(MakeFolder(run->File("checkpoints/step-2.tmp-abc123")));
  ASSERT_OK(MakeFolder(run->File("checkpoints/step-3")));  // without a manifest
  run.reset();
  ASSERT_OK_AND_ASSIGN(const auto resumed, RunFolder::Open(root.File("run"), true));
  EXPECT_FALSE(FolderExists(resumed->File("checkpoints/step-2.tmp-abc123")));
  EXPECT_THAT(resumed->LatestCheckpoint(), IsOkAndHolds(Eq(resumed->File("checkpoints/step-1"))));
}

TEST(RunFolderFaultTest, ResumeMovesALinkThatAKilledRunLeftBehind) {
  const TestFolder root;
  ASSERT_OK_AND_ASSIGN(auto run, RunFolder::Open(root.File("run"), false));
  ASSERT_OK(Save(*run, 1));
  ASSERT_OK(Save(*run, 2));
  run.reset();
  std::filesystem::remove(root.File("run/checkpoints/latest"));
  std::filesystem::create_directory_symlink("step-1", root.File("run/checkpoints/latest"));
  ASSERT_OK(RunFolder::Open(root.File("run"), true));
  EXPECT_EQ(std::filesystem::read_symlink(root.File("run/checkpoints/latest")), "step-2");
}

TEST(RunFolderFaultTest, OneProcessAtATimeWritesARun) {
  const TestFolder root;
  ASSERT_OK_AND_ASSIGN(auto run, RunFolder::Open(root.File("run"), false));
  ASSERT_OK(Save(*run, 1));
  EXPECT_THAT(
      RunFolder::Open(root.File("run"), true),
      StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(absl::StrCat("process ", ::getpid(), " is writing"))));
  run.reset();
  EXPECT_OK(RunFolder::Open(root.File("run"), true));
}

TEST(RunFolderFaultTest, AFailedPolicyLeavesTheOldCheckpoints) {
  const TestFolder root;
  ASSERT_OK_AND_ASSIGN(const auto run, RunFolder::Open(root.File("run"), false));
  ASSERT_OK(Save(*run, 1, /*keep=*/1));
  EXPECT_THAT(
      run->SaveCheckpoint(StateAt(2), 1, [](const std::string&) { return absl::ResourceExhaustedError("disk full"); }),
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk full")));
  EXPECT_THAT(ListFolder(run->File("checkpoints")), IsOkAndHolds(ElementsAre("latest", "step-1")));
}

TEST(RunFolderFaultTest, ADamagedCheckpointIsDataLoss) {
  const TestFolder root;
  ASSERT_OK_AND_ASSIGN(const auto run, RunFolder::Open(root.File("run"), false));
  ASSERT_OK(Save(*run, 1));
  const std::string file = run->File("checkpoints/step-1/trainer_state.safetensors");
  std::string bytes = MustRead(file);
  bytes.back() ^= 1;
  ASSERT_OK(WriteFileAtomic(file, bytes));
  EXPECT_THAT(RunFolder::LoadTrainerState(run->File("checkpoints/step-1")),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("trainer_state.safetensors: SHA-256")));
}

}  // namespace
}  // namespace plumb
