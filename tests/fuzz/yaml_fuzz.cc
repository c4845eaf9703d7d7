#include "absl/strings/match.h"
#include "base/check.h"
#include "base/config_yaml.h"
#include "tests/fuzz/fuzz_targets.h"

namespace plumb::fuzz {
namespace {

void CheckValue(const YamlValue& value, int depth) {
  PLUMB_CHECK(depth <= kMaxYamlDepth);
  PLUMB_CHECK(absl::StartsWith(value.place, "f:")) << value.place;
  PLUMB_CHECK(value.items.empty() || value.kind == YamlValue::Kind::kList);
  PLUMB_CHECK(value.entries.empty() || value.kind == YamlValue::Kind::kMap);
  for (const YamlValue& item : value.items) CheckValue(item, depth + 1);
  for (const YamlEntry& entry : value.entries) {
    CheckValue(entry.key, depth + 1);
    CheckValue(entry.value, depth + 1);
  }
}

}  // namespace

void FuzzYaml(absl::string_view input) {
  const absl::StatusOr<YamlValue> root = ParseYaml(input, "f");
  if (root.ok()) return CheckValue(*root, 0);
  PLUMB_CHECK(root.status().code() == absl::StatusCode::kInvalidArgument) << root.status();
  PLUMB_CHECK(absl::StartsWith(root.status().message(), "f:")) << root.status();
}

}  // namespace plumb::fuzz
