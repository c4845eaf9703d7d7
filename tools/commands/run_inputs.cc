#include "tools/commands/run_inputs.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "checkpoint/model_folder.h"
#include "policy/folder_layout.h"
#include "policy/model_config.h"
#include "text/dataset.h"
#include "text/jsonl_rows.h"
#include "text/text_codec.h"
#include "tools/model_place.h"

namespace plumb::cli {
namespace {

absl::StatusOr<std::unique_ptr<TextCodec>> CheckModel(const std::string& model) {
  RETURN_IF_ERROR(CheckModelPlace(model));
  ASSIGN_OR_RETURN(const std::unique_ptr<ModelFolder> folder, ModelFolder::Open(model));
  const absl::StatusOr<ModelConfig> config = ParseModelConfig(folder->config());
  if (!config.ok()) return Annotate(config.status(), model);
  RETURN_IF_ERROR(Annotate(FindLayout(*folder, *config).FirstProblem(), model));
  return TextCodec::Load(model);
}

absl::Status CheckFirstRow(proto::DataConfig data) {
  if (FolderExists(data.file())) {
    return absl::InvalidArgumentError(absl::StrCat(data.file(), ": is a folder, expected a JSONL file"));
  }
  data.set_max_rows(1);
  return ReadJsonlRows(data).status();
}

// Collects what is wrong with the files of a configuration.
class InputCheck {
 public:
  void Model(const std::string& model) {
    absl::StatusOr<std::unique_ptr<TextCodec>> codec = CheckModel(model);
    Add("model", codec.status());
    if (codec.ok()) codec_ = *std::move(codec);
  }

  // `read` takes all rows, as the stage does; without a model there is no way to.
  template <typename Read>
  void Data(const std::string& field, const proto::DataConfig& data, RowsToCheck rows, const Read& read) {
    if (!data.has_file()) return;
    absl::Status status = CheckFirstRow(data);
    if (status.ok() && rows == RowsToCheck::kAll && codec_ != nullptr) status = read(data, *codec_);
    Add(absl::StrCat(field, ".file"), status);
  }

  std::vector<std::string> problems() && { return std::move(problems_); }

 private:
  void Add(const std::string& field, const absl::Status& status) {
    if (!status.ok()) problems_.push_back(absl::StrCat(field, ": ", status.message()));
  }

  std::unique_ptr<TextCodec> codec_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> InputProblems(const proto::SftConfig& config, RowsToCheck rows) {
  InputCheck check;
  if (config.has_model()) check.Model(config.model());
  const auto read = [&](const proto::DataConfig& data, const TextCodec& codec) {
    return LoadSftRows(data, codec, config.max_sequence_length()).status();
  };
  check.Data("data", config.data(), rows, read);
  check.Data("eval_data", config.eval_data(), rows, read);
  return std::move(check).problems();
}

std::vector<std::string> InputProblems(const proto::GrpoConfig& config, RowsToCheck rows) {
  InputCheck check;
  if (config.has_model()) check.Model(config.model());
  const auto read = [](const proto::DataConfig& data, const TextCodec& codec) {
    return LoadPromptRows(data, codec).status();
  };
  check.Data("data", config.data(), rows, read);
  check.Data("eval.data", config.eval().data(), rows, read);
  return std::move(check).problems();
}

}  // namespace plumb::cli
