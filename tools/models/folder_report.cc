#include "tools/models/folder_report.h"

#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "checkpoint/atomic_folder.h"
#include "checkpoint/model_folder.h"
#include "policy/folder_layout.h"
#include "policy/model_config.h"
#include "policy/model_size.h"
#include "text/text_codec.h"
#include "tools/models/parameter_amount.h"
#include "tools/models/token_notes.h"

namespace plumb::cli {
namespace {

constexpr int64_t kBytesOfBfloat16 = 2;

// Fills a report, part by part. Not thread-safe.
class FolderReporter {
 public:
  explicit FolderReporter(const std::string& path) : path_(path) {}

  FolderReport Report() {
    const absl::StatusOr<std::unique_ptr<ModelFolder>> folder = ModelFolder::Open(path_);
    if (!folder.ok()) {
      Problem(folder.status());
      return report_;
    }
    for (const std::string& note : (*folder)->notes()) Line("note", note);
    const absl::StatusOr<ModelConfig> config = ParseModelConfig((*folder)->config());
    if (config.ok()) {
      AddModel(*config);
      AddWeights(**folder, *config);
    } else {
      Problem(config.status());
    }
    AddText(config);
    AddChecksums();
    return report_;
  }

  FolderReport ReportText(const ModelConfig& config) {
    AddText(config);
    return report_;
  }

 private:
  void Line(const std::string& label, std::string text) { report_.lines.emplace_back(label, std::move(text)); }
  void Problem(const absl::Status& status) { report_.AddProblem(status.message()); }

  void AddModel(const ModelConfig& config) {
    const std::string family = config.family == ModelFamily::kV2 ? "DeepSeek-V2" : "DeepSeek-V3";
    int64_t moe_layers = 0;
    for (int64_t layer = 0; layer < config.num_layers; ++layer) moe_layers += config.IsMoeLayer(layer) ? 1 : 0;
    Line("family", absl::StrCat(family, " (model_type ", config.source["model_type"].get<std::string>(), ")"));
    Line("layers",
         absl::StrCat(config.num_layers, ", of which ", moe_layers, " with experts; width ", config.hidden_size, ", ",
                      config.num_heads, " heads, latents of ", config.kv_lora_rank, " + ", config.qk_rope_head_dim));
    if (moe_layers > 0) {
      Line("experts", absl::StrCat(config.num_experts, " routed, ", config.experts_per_token, " of them per token, in ",
                                   config.groups_per_token, " of ", config.num_groups, " groups; ",
                                   config.num_shared_experts, " shared"));
    }
    const ParameterCounts counts = CountParameters(config);
    Line("parameters", absl::StrCat(ParameterAmount(counts.total), " in total, ", ParameterAmount(counts.active),
                                    " active per token"));
    const int64_t cache = CacheNumbersPerToken(config) * kBytesOfBfloat16;
    const int64_t plain = PlainCacheNumbersPerToken(config) * kBytesOfBfloat16;
    Line("cache", absl::StrFormat("%d bytes per token in bfloat16; plain multi-head attention takes %d, %.1f times as "
                                  "much",
                                  cache, plain, static_cast<double>(plain) / static_cast<double>(cache)));
    Line("context", absl::StrCat(config.max_positions, " positions, ",
                                 config.rope.yarn ? absl::StrCat("YaRN with factor ", config.rope.factor, " over ",
                                                                 config.rope.original_max_positions)
                                                  : std::string("plain rotary embeddings")));
  }

  void AddWeights(const ModelFolder& folder, const ModelConfig& config) {
    const FolderLayout layout = FindLayout(folder, config);
    for (const absl::Status& problem : layout.problems) Problem(problem);
    report_.num_problems += layout.num_problems - static_cast<int64_t>(layout.problems.size());
    AddPrecision(layout, config);
    if (config.num_mtp_layers > 0 || !layout.mtp.empty()) {
      Line("prediction", layout.mtp.empty() ? "config.json names layers for multi-token prediction, the folder has none"
                                            : absl::StrCat(config.num_mtp_layers, " layer for multi-token prediction, ",
                                                           ParameterAmount(CountParameters(config).mtp),
                                                           " parameters: kept, not run"));
    }
    for (const auto* places : {&layout.trunk, &layout.mtp}) {
      for (const PlacedWeight& weight : *places) {
        CheckFinite(weight);
        if (config.quantization.power_of_two_scales) CheckScales(weight);
      }
    }
  }

  void AddPrecision(const FolderLayout& layout, const ModelConfig& config) {
    std::map<std::string, double> numbers;
    double all = 0;
    for (const PlacedWeight& weight : layout.trunk) {
      const double count = static_cast<double>(weight.rows.num_rows * weight.rows.weight.row_size());
      numbers[std::string(TensorTypeName(weight.rows.weight.type()))] += count;
      all += count;
    }
    std::vector<std::string> parts;
    for (const auto& [type, count] : numbers) parts.push_back(absl::StrFormat("%s %.1f %%", type, 100 * count / all));
    std::string text = absl::StrJoin(parts, ", ");
    if (config.quantization.fp8_blocks) {
      absl::StrAppend(&text, "; FP8 blocks of 128 x 128",
                      config.quantization.power_of_two_scales ? ", scales are powers of two" : "");
    }
    if (layout.fused_experts) absl::StrAppend(&text, "; experts are stacked");
    Line("precision", text);
  }

  void CheckFinite(const PlacedWeight& weight) {
    bool finite = true;
    const absl::Status done = ForEachPiece(weight.rows, [&](int64_t first, absl::Span<const float> values) {
      for (const float value : values) finite = finite && std::isfinite(value);
      return absl::OkStatus();
    });
    if (!done.ok()) return Problem(done);
    if (!finite) report_.AddProblem(absl::StrCat(weight.name, ": has numbers that are not finite"));
  }

  void CheckScales(const PlacedWeight& weight) {
    if (weight.rows.weight.HasPowersOfTwo()) return;
    report_.AddProblem(absl::StrCat(weight.name, kScaleSuffix,
                                    ": has scales that are no powers of two, but config.json says scale_fmt ue8m0"));
  }

  void AddText(const absl::StatusOr<ModelConfig>& config) {
    const absl::StatusOr<std::unique_ptr<TextCodec>> codec = TextCodec::Load(path_);
    if (absl::IsNotFound(codec.status())) return Line("tokenizer", "none: only ids can go in and out");
    if (!codec.ok()) return Problem(codec.status());
    AddTokens(config, **codec);
    AddTemplate(**codec);
  }

  void AddTokens(const absl::StatusOr<ModelConfig>& config, const TextCodec& codec) {
    const int64_t tokens = codec.tokenizer().size();
    const std::string vocabulary = config.ok() ? absl::StrCat(" for a vocabulary of ", config->vocab_size) : "";
    const std::string begin = codec.bos_id() < 0 ? "no BOS" : absl::StrCat("begins with ", codec.bos_id());
    const std::string end =
        codec.end_ids().empty() ? "no end token" : absl::StrCat("ends with ", absl::StrJoin(codec.end_ids(), ", "));
    Line("tokenizer", absl::StrCat(tokens, " tokens", vocabulary, "; ", begin, ", ", end));
    if (codec.end_ids().empty()) Line("note", "there is no end token: completions end by length only");
    if (!config.ok()) return;
    if (tokens > config->vocab_size) {
      report_.AddProblem(
          absl::StrCat("tokenizer.json: has ", tokens, " tokens, but vocab_size is ", config->vocab_size));
    }
    const absl::StatusOr<std::vector<std::string>> notes = TokenNotes(path_, *config, codec);
    if (!notes.ok()) return Problem(notes.status());
    for (const std::string& note : *notes) Line("note", note);
  }

  void AddTemplate(const TextCodec& codec) {
    if (!codec.has_chat_template()) return Line("template", "none: rows need prompt and completion");
    const Json messages = {{{"role", "user"}, {"content", "Hello"}}};
    const absl::StatusOr<EncodedChat> chat = codec.EncodeChat(messages, /*add_generation_prompt=*/true);
    if (!chat.ok()) return Problem(Annotate(chat.status(), "chat template"));
    Line("template", absl::StrCat("renders \"Hello\" as ", DumpJson(Json(chat->text)), ", ", chat->ids.size(), " ids"));
  }

  void AddChecksums() {
    const absl::Status status = VerifyManifest(path_);
    if (absl::IsNotFound(status)) return Line("checksums", "none: there is no manifest.json");
    if (!status.ok()) return Problem(status);
    Line("checksums", "all files match manifest.json");
  }

  const std::string path_;
  FolderReport report_;
};

}  // namespace

void FolderReport::AddProblem(absl::string_view problem) {
  ++num_problems;
  if (problems.size() < kMaxProblems) problems.emplace_back(problem);
}

absl::StatusOr<FolderReport> ReportFolder(const std::string& path) {
  if (!FolderExists(path)) return absl::NotFoundError(absl::StrCat(path, ": no such folder"));
  return FolderReporter(path).Report();
}

FolderReport ReportText(const std::string& path, const ModelConfig& config) {
  return FolderReporter(path).ReportText(config);
}

}  // namespace plumb::cli
