#include "tools/model_place.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"

namespace plumb::cli {
namespace {

// "deepseek-ai/DeepSeek-V2-Lite": an owner and a name, and the owner is no folder here.
bool LooksLikeHubName(const std::string& model) {
  const size_t slash = model.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == model.size()) return false;
  const bool plain = absl::ascii_isalnum(model[0]) && std::count(model.begin(), model.end(), '/') == 1;
  return plain && !FolderExists(model.substr(0, slash));
}

}  // namespace

absl::Status CheckModelPlace(const std::string& model) {
  if (FolderExists(model)) {
    const std::string checkpoint = JoinPath(JoinPath(model, "checkpoints"), "latest");
    if (FileExists(JoinPath(model, "config.json")) || !FolderExists(checkpoint)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(model, ": is a run folder, not a policy folder; did you mean ", checkpoint, "?"));
  }
  if (FileExists(model)) {
    return absl::InvalidArgumentError(absl::StrCat(model, ": is a file, expected a folder with config.json"));
  }
  const char* hint = LooksLikeHubName(model)
                         ? "; models are not fetched from a hub: download it first and give the folder's path"
                         : "";
  return absl::NotFoundError(absl::StrCat(model, ": no such folder", hint));
}

}  // namespace plumb::cli
