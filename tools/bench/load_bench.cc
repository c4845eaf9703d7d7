#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "policy/folder_layout.h"
#include "policy/policy_folder.h"
#include "tools/bench/bench_model.h"
#include "tools/bench/benchmarks.h"
#include "tools/bench/limit_rounds.h"
#include "tools/bench/machine_limits.h"
#include "tools/bench/memory_watch.h"
#include "tools/bench/rounds.h"
#include "tools/exit_code.h"

namespace plumb::cli {
namespace {

// A folder that is removed at the end; none with an empty path.
struct TemporaryFolder {
  std::string path;
  ~TemporaryFolder() {
    if (!path.empty()) (void)RemoveFolder(path);
  }
};

// What is read, and how much.
struct Folder {
  std::string path;
  std::vector<std::string> files;  // with weights
  double stored_bytes = 0;         // of the weights that are loaded
};

absl::StatusOr<std::vector<std::string>> WeightFiles(const std::string& path) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(path));
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (absl::EndsWith(name, ".safetensors")) files.push_back(JoinPath(path, name));
  }
  return files;
}

// Layers for multi-token prediction are not counted: they stay in their files.
absl::StatusOr<double> StoredBytes(const std::string& path, const ModelConfig& config) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ModelFolder> folder, ModelFolder::Open(path));
  double bytes = 0;
  for (const PlacedWeight& placed : FindLayout(*folder, config).trunk) {
    const StoredWeight& weight = placed.rows.weight;
    bytes += static_cast<double>(weight.RowBytes(placed.rows.first_row, placed.rows.num_rows).size());
    if (weight.quantized()) bytes += static_cast<double>(weight.scales()->bytes.size());
  }
  return bytes;
}

double BytesOf(PolicyWeights& weights) {
  double bytes = 0;
  for (const NamedBuffer& buffer : Buffers(weights)) bytes += static_cast<double>(buffer.tensor->nbytes());
  return bytes;
}

struct Memory {
  double weights = 0;  // bytes
  double extra = 0;    // bytes besides, at most at one time
};

absl::StatusOr<Memory> MemoryOfLoad(const std::string& path, at::ScalarType dtype) {
  const MemoryWatch watch;
  ASSIGN_OR_RETURN(PolicyWeights weights, NamedFileError(LoadPolicyFolder(path, dtype, at::kCPU)));
  Memory memory;
  memory.weights = BytesOf(weights);
  // Small weights may lie in memory that the process had before.
  memory.extra = std::max(0.0, watch.ExtraBytes() - memory.weights);
  return memory;
}

absl::StatusOr<BenchRound> LoadRound(const std::string& path, at::ScalarType dtype) {
  const absl::Time begin = absl::Now();
  ASSIGN_OR_RETURN(const PolicyWeights weights, LoadPolicyFolder(path, dtype, at::kCPU));
  BenchRound round;
  round.seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  return round;
}

class Bench : public Command {
 public:
  void Declare(OptionSet& options) override {
    DeclareBenchModel(options, model_);
    options.Flag("--cold", cold_, "Drop the files from the system's cache before each read.");
  }

  absl::Status Run() override {
    ASSIGN_OR_RETURN(BenchModel model, OpenBenchModel(model_));  // files and pages are warm now
    ASSIGN_OR_RETURN(const at::ScalarType dtype, ParseDtype(model_.dtype));
    TemporaryFolder made;
    if (model_.model.empty()) {
      ASSIGN_OR_RETURN(made.path, MakeTemporaryFolder("plumb-bench-load"));
      RETURN_IF_ERROR(SaveWeights(model.weights, made.path, /*copy_from=*/""));
    }
    Folder folder;
    folder.path = made.path.empty() ? model_.model : made.path;
    ASSIGN_OR_RETURN(folder.files, WeightFiles(folder.path));
    ASSIGN_OR_RETURN(folder.stored_bytes, StoredBytes(folder.path, model.weights.config));
    Json json = BenchHead("load", model, model_);
    model = BenchModel();  // nothing of it is held while memory is watched
    return Measure(folder, dtype, json);
  }

 private:
  absl::Status Measure(const Folder& folder, at::ScalarType dtype, Json& json) const {
    ASSIGN_OR_RETURN(const Memory memory, MemoryOfLoad(folder.path, dtype));
    std::vector<BenchRound> rounds;
    std::vector<double> limits;
    for (int64_t index = 0; index < model_.num_rounds; ++index) {
      RETURN_IF_ERROR(MakeCold(folder));
      ASSIGN_OR_RETURN(const double limit, FileBandwidth(folder.files));
      limits.push_back(limit);
      RETURN_IF_ERROR(MakeCold(folder));
      ASSIGN_OR_RETURN(const BenchRound round, LoadRound(folder.path, dtype));
      rounds.push_back(round);
    }
    const double rate = folder.stored_bytes / MedianSeconds(rounds), limit = MedianOf(limits);
    json["threads"] = at::get_num_threads();
    json["cache"] = cold_ ? "cold" : "warm";
    json["stored_bytes"] = folder.stored_bytes;
    json["weight_bytes"] = memory.weights;
    json["extra_bytes"] = memory.extra;
    json["load"] = RoundsJson(rounds);
    json["gigabytes_per_second"] = rate / 1e9;
    json["file_gigabytes_per_second"] = limit / 1e9;
    json["share_of_file_bandwidth"] = rate / limit;
    std::printf("%s\n", DumpJson(json).c_str());
    return absl::OkStatus();
  }

  absl::Status MakeCold(const Folder& folder) const {
    if (!cold_) return absl::OkStatus();
    for (const std::string& file : folder.files) {
      RETURN_IF_ERROR(EnvironmentError(Annotate(DropFromCache(file), "--cold")));
    }
    return absl::OkStatus();
  }

  BenchModelOptions model_;
  bool cold_ = false;
};

}  // namespace

CommandEntry LoadBench() {
  return {
      .name = "load",
      .summary = "Seconds, bytes per second and memory of loading a policy folder.",
      .details =
          "Training and rollout hold the weights in one form, so both load alike. Each load is timed in turn with\n"
          "the machine's limit: all threads read the same files into new memory, and do nothing with them.\n"
          "share_of_file_bandwidth is the share of that limit; extra_bytes is the most memory that a load of its\n"
          "own took besides the weights. A preset is written to $TMPDIR or /tmp first, and removed. With --cold\n"
          "both sides read from storage. The machine should be idle.",
      .example = "plumb bench load --preset bench-p\nplumb bench load --model runs/sft/policy --dtype bfloat16 --cold",
      .make = [] { return std::make_unique<Bench>(); }};
}

}  // namespace plumb::cli
