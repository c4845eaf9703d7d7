#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "checkpoint/atomic_folder.h"
#include "train/tensor_file.h"

namespace plumb {
namespace {

constexpr char kMetrics[] = "metrics.jsonl";
constexpr char kCheckpoints[] = "checkpoints";
constexpr char kLatest[] = "latest";
constexpr char kManifest[] = "manifest.json";
constexpr char kStateTensors[] = "trainer_state.safetensors";
constexpr char kStateValues[] = "trainer_state.json";
constexpr char kLock[] = "run.lock";

std::string StepName(int64_t step) { return absl::StrCat("step-", step); }

// The steps of the complete checkpoints in a folder, ascending.
absl::StatusOr<std::vector<int64_t>> CompleteSteps(const std::string& folder) {
  std::vector<int64_t> steps;
  if (!FolderExists(folder)) return steps;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(folder));
  for (const absl::string_view name : names) {
    absl::string_view number = name;
    int64_t step = 0;
    if (!absl::ConsumePrefix(&number, "step-") || !absl::SimpleAtoi(number, &step) || StepName(step) != name) continue;
    if (FileExists(JoinPath(JoinPath(folder, name), kManifest))) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

// A run that failed before its first step has none.
bool HasMetrics(const std::string& path) {
  const absl::StatusOr<std::string> metrics = ReadFile(JoinPath(path, kMetrics));
  return metrics.ok() && !metrics->empty();
}

// Makes `latest` a link to the checkpoint, in one step.
absl::Status MoveLatest(const std::string& folder, int64_t step) {
  const std::string temporary = JoinPath(folder, absl::StrCat(kLatest, kTemporaryMark, ::getpid()));
  const std::string link = JoinPath(folder, kLatest);
  ::unlink(temporary.c_str());
  if (::symlink(StepName(step).c_str(), temporary.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot make the link ", temporary));
  }
  if (::rename(temporary.c_str(), link.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot rename ", temporary, " to ", link));
  }
  return SyncFolder(folder);
}

// Removes what a killed run was writing.
absl::Status RemoveLeftovers(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(folder));
  for (const std::string& name : names) {
    if (name.find(kTemporaryMark) != std::string::npos) RETURN_IF_ERROR(RemoveFolder(JoinPath(folder, name)));
  }
  return absl::OkStatus();
}

absl::Status WriteTrainerState(const std::string& folder, const TrainerState& state) {
  RETURN_IF_ERROR(SaveTensors(JoinPath(folder, kStateTensors), state.tensors));
  const Json json = {{"step", state.step}, {"values", state.values}};
  return WriteFileAtomic(JoinPath(folder, kStateValues), DumpJson(json, 2) + "\n");
}

absl::Status RemoveOldest(const std::string& folder, int keep) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> steps, CompleteSteps(folder));
  for (size_t i = 0; i + static_cast<size_t>(keep) < steps.size(); ++i) {
    RETURN_IF_ERROR(RemoveFolder(JoinPath(folder, StepName(steps[i]))));
  }
  return absl::OkStatus();
}

// Locks the folder for this process. The system ends the lock with the process, however that ends.
absl::StatusOr<int> Lock(const std::string& folder) {
  const std::string path = JoinPath(folder, kLock);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor);
    const absl::StatusOr<std::string> holder = ReadFile(path);
    return absl::AlreadyExistsError(absl::StrCat(folder, ": process ", holder.ok() ? *holder : std::string("unknown"),
                                                 " is writing this run; stop it, or choose another output"));
  }
  const std::string pid = absl::StrCat(::getpid());
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, pid.data(), pid.size(), 0) < 0) {
    const int error = errno;
    ::close(descriptor);
    return absl::ErrnoToStatus(error, absl::StrCat("cannot write ", path));
  }
  return descriptor;
}

}  // namespace

RunFolder::~RunFolder() { ::close(lock_); }

absl::StatusOr<std::unique_ptr<RunFolder>> RunFolder::Open(const std::string& path, bool resume) {
  const std::string checkpoints = JoinPath(path, kCheckpoints);
  if (resume && !FolderExists(checkpoints)) return absl::NotFoundError(absl::StrCat(path, ": holds no run to resume"));
  ASSIGN_OR_RETURN(const std::vector<int64_t> steps, CompleteSteps(checkpoints));
  if (!resume && (!steps.empty() || HasMetrics(path))) {
    return absl::AlreadyExistsError(absl::StrCat(
        path, ": holds a run already; go on with it by --resume, choose another output, or remove the folder"));
  }
  RETURN_IF_ERROR(MakeFolder(checkpoints));
  ASSIGN_OR_RETURN(const int lock, Lock(path));
  std::unique_ptr<RunFolder> run(new RunFolder(path, lock));
  RETURN_IF_ERROR(RemoveLeftovers(checkpoints));
  // A run that was killed between a checkpoint and its link left the link behind.
  if (!steps.empty()) RETURN_IF_ERROR(MoveLatest(checkpoints, steps.back()));
  return run;
}

std::string RunFolder::File(const std::string& name) const { return JoinPath(path_, name); }

absl::Status RunFolder::SaveCheckpoint(const TrainerState& state, int keep,
                                       const std::function<absl::Status(const std::string& folder)>& write_policy) {
  const std::string checkpoints = File(kCheckpoints);
  const std::string target = JoinPath(checkpoints, StepName(state.step));
  ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFolder> folder, AtomicFolder::Create(target, /*replace=*/true));
  RETURN_IF_ERROR(write_policy(folder->path()));
  RETURN_IF_ERROR(WriteTrainerState(folder->path(), state));
  RETURN_IF_ERROR(folder->Commit());
  RETURN_IF_ERROR(VerifyManifest(target));
  RETURN_IF_ERROR(MoveLatest(checkpoints, state.step));
  return RemoveOldest(checkpoints, keep);
}

absl::StatusOr<std::optional<std::string>> RunFolder::LatestCheckpoint() const {
  const std::string checkpoints = File(kCheckpoints);
  ASSIGN_OR_RETURN(const std::vector<int64_t> steps, CompleteSteps(checkpoints));
  if (steps.empty()) return std::nullopt;
  return JoinPath(checkpoints, StepName(steps.back()));
}

absl::StatusOr<TrainerState> RunFolder::LoadTrainerState(const std::string& checkpoint) {
  if (const absl::Status whole = VerifyManifest(checkpoint); !whole.ok()) {
    return absl::Status(whole.code(), absl::StrCat(whole.message(), "; without the folder ", checkpoint,
                                                   " a run goes on from the checkpoint before it"));
  }
  const std::string path = JoinPath(checkpoint, kStateValues);
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const absl::StatusOr<Json> json = ParseJson(text, path);
  if (!json.ok()) return absl::DataLossError(json.status().message());
  const absl::StatusOr<int64_t> step = JsonInt(*json, "step", path);
  if (!step.ok()) return absl::DataLossError(step.status().message());
  if (!json->contains("values")) return absl::DataLossError(absl::StrCat(path, ": values is missing"));
  TrainerState state;
  state.step = *step;
  state.values = json->at("values");
  ASSIGN_OR_RETURN(state.tensors, LoadTensors(JoinPath(checkpoint, kStateTensors)));
  return state;
}

}  // namespace plumb
