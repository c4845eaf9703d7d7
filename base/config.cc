#include "base/config.h"

#include "base/config_override.h"
#include "base/config_reader.h"
#include "base/config_yaml.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace plumb {

absl::StatusOr<ConfigSources> LoadConfig(const std::string& path, const std::vector<std::string>& overrides,
                                         google::protobuf::Message& config) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return ParseConfig(text, path, overrides, config);
}

absl::StatusOr<ConfigSources> ParseConfig(absl::string_view yaml, absl::string_view name,
                                          const std::vector<std::string>& overrides,
                                          google::protobuf::Message& config) {
  ASSIGN_OR_RETURN(YamlValue root, ParseYaml(yaml, name));
  std::vector<std::string> problems;
  for (const std::string& text : overrides) {
    const absl::Status status = ApplyOverride(text, *config.GetDescriptor(), root);
    if (!status.ok()) problems.emplace_back(status.message());
  }
  config.Clear();
  ConfigReader reader;
  reader.Read(root, config);
  problems.insert(problems.end(), reader.problems().begin(), reader.problems().end());
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  return reader.sources();
}

}  // namespace plumb
