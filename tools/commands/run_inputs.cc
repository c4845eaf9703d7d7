#include "tools/commands/run_inputs.h"

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "checkpoint/model_folder.h"
#include "policy/folder_layout.h"
#include "policy/model_config.h"
#include "text/jsonl_rows.h"
#include "text/text_codec.h"
#include "tools/model_place.h"

namespace plumb::cli {
namespace {

absl::Status CheckModel(const std::string& model) {
  RETURN_IF_ERROR(CheckModelPlace(model));
  ASSIGN_OR_RETURN(const std::unique_ptr<ModelFolder> folder, ModelFolder::Open(model));
  const absl::StatusOr<ModelConfig> config = ParseModelConfig(folder->config());
  if (!config.ok()) return Annotate(config.status(), model);
  RETURN_IF_ERROR(Annotate(FindLayout(*folder, *config).FirstProblem(), model));
  return TextCodec::Load(model).status();
}

absl::Status CheckFirstRow(proto::DataConfig data) {
  if (FolderExists(data.file())) {
    return absl::InvalidArgumentError(absl::StrCat(data.file(), ": is a folder, expected a JSONL file"));
  }
  data.set_max_rows(1);
  return ReadJsonlRows(data).status();
}

void AddProblem(const std::string& field, const absl::Status& status, std::vector<std::string>& problems) {
  if (!status.ok()) problems.push_back(absl::StrCat(field, ": ", status.message()));
}

void CheckData(const std::string& field, const proto::DataConfig& data, std::vector<std::string>& problems) {
  if (data.has_file()) AddProblem(absl::StrCat(field, ".file"), CheckFirstRow(data), problems);
}

}  // namespace

std::vector<std::string> InputProblems(const proto::SftConfig& config) {
  std::vector<std::string> problems;
  if (config.has_model()) AddProblem("model", CheckModel(config.model()), problems);
  CheckData("data", config.data(), problems);
  CheckData("eval_data", config.eval_data(), problems);
  return problems;
}

std::vector<std::string> InputProblems(const proto::GrpoConfig& config) {
  std::vector<std::string> problems;
  if (config.has_model()) AddProblem("model", CheckModel(config.model()), problems);
  CheckData("data", config.data(), problems);
  CheckData("eval.data", config.eval().data(), problems);
  return problems;
}

}  // namespace plumb::cli
