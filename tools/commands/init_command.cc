#include <iostream>

#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/inside_folder.h"
#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "checkpoint/atomic_folder.h"
#include "policy/model_size.h"
#include "policy/policy_folder.h"
#include "policy/presets.h"
#include "policy/weights.h"
#include "text/text_codec.h"
#include "tools/commands/commands.h"

namespace plumb::cli {
namespace {

// What is copied where it lies beside the tokenizer.
constexpr const char* kTokenizerCompanions[] = {"tokenizer_config.json", "special_tokens_map.json",
                                                "chat_template.jinja", "generation_config.json"};
constexpr size_t kMaxCompanionBytes = size_t{16} << 20;

class Init : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Text("--preset", "NAME", preset_, absl::StrCat("One of ", absl::StrJoin(PresetNames(), ", "), "."));
    options.Text("--config", "FILE", config_, "A config.json to take instead of a preset.");
    options.Required("--tokenizer", "FILE", tokenizer_,
                     "A tokenizer.json; tokenizer_config.json and chat_template.jinja beside it are copied too.");
    options.Whole("--seed", {0}, seed_, "Seed of the random weights.");
    options.Choice("--dtype", {"float32", "bfloat16"}, dtype_, "Type of the written weights.");
    options.Required("--out", "DIR", out_, "Policy folder to write; it must not exist.");
  }

  absl::Status Run() override {
    if (preset_.empty() == config_.empty()) {
      return absl::InvalidArgumentError("expected exactly one of --preset and --config");
    }
    ASSIGN_OR_RETURN(const at::ScalarType dtype, ParseDtype(dtype_));
    ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFolder> folder, AtomicFolder::Create(out_));
    RETURN_IF_ERROR(CopyTokenizer(folder->path()));
    ASSIGN_OR_RETURN(const std::unique_ptr<TextCodec> codec, TextCodec::Load(folder->path()));
    ASSIGN_OR_RETURN(const ModelConfig config, Config(*codec));
    RETURN_IF_ERROR(CatchTorch("init", [&]() -> absl::Status {
      const PolicyWeights weights = RandomWeights(config, dtype, at::kCPU, static_cast<uint64_t>(seed_));
      return SaveWeights(weights, folder->path(), /*copy_from=*/"");
    }));
    RETURN_IF_ERROR(folder->Commit());
    Json result;
    result["model"] = out_;
    result["parameters"] = NumParameters(config);
    std::cout << DumpJson(result) << "\n";
    return absl::OkStatus();
  }

 private:
  absl::Status CopyTokenizer(const std::string& folder) const {
    if (FolderExists(tokenizer_)) {
      return absl::InvalidArgumentError(absl::StrCat("--tokenizer: ", tokenizer_,
                                                     " is a folder, expected a file such as ",
                                                     JoinPath(tokenizer_, "tokenizer.json")));
    }
    ASSIGN_OR_RETURN(const std::string tokenizer, ReadFile(tokenizer_));
    RETURN_IF_ERROR(WriteFileAtomic(JoinPath(folder, "tokenizer.json"), tokenizer));
    const size_t slash = tokenizer_.rfind('/');
    const std::string source = slash == std::string::npos ? "." : tokenizer_.substr(0, slash + 1);
    for (const char* name : kTokenizerCompanions) {
      const absl::StatusOr<std::string> content = ReadInsideFolder(source, name, kMaxCompanionBytes);
      if (absl::IsNotFound(content.status())) continue;
      RETURN_IF_ERROR(content.status());
      RETURN_IF_ERROR(WriteFileAtomic(JoinPath(folder, name), *content));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<ModelConfig> Config(const TextCodec& codec) const {
    const int64_t tokens = codec.tokenizer().size();
    if (config_.empty()) {
      ASSIGN_OR_RETURN(const Json preset, PresetConfig(preset_, tokens, codec.bos_id(), codec.eos_id()));
      return ParseModelConfig(preset);
    }
    ASSIGN_OR_RETURN(const std::string text, ReadFile(config_));
    ASSIGN_OR_RETURN(const Json json, ParseJson(text, config_));
    absl::StatusOr<ModelConfig> config = ParseModelConfig(json);
    if (!config.ok()) {
      // The message is about a config.json; here it has a name of its own.
      absl::string_view message = config.status().message();
      absl::ConsumePrefix(&message, "config.json: ");
      return absl::Status(config.status().code(), absl::StrCat(config_, ": ", message));
    }
    if (config->vocab_size < tokens) {
      return absl::InvalidArgumentError(absl::StrCat(config_, ": vocab_size is ", config->vocab_size,
                                                     ", expected at least the ", tokens, " tokens of ", tokenizer_));
    }
    return config;
  }

  std::string preset_;
  std::string config_;
  std::string tokenizer_;
  std::string dtype_ = "float32";
  std::string out_;
  int64_t seed_ = 0;
};

}  // namespace

CommandEntry InitCommand() {
  return {
      .name = "init",
      .summary = "Write a policy folder with random weights.",
      .details = "Equal seeds give equal weights on every machine.",
      .example = "plumb init --preset tiny-demo --tokenizer examples/arithmetic/tokenizer.json --out runs/my_policy",
      .make = [] { return std::make_unique<Init>(); }};
}

}  // namespace plumb::cli
