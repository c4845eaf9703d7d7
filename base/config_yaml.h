#ifndef PLUMB_BASE_CONFIG_YAML_H_
#define PLUMB_BASE_CONFIG_YAML_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumb {

struct YamlEntry;

// A parsed YAML value that remembers where it stands.
struct YamlValue {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  std::string place;   // "sft.yaml:7:18", or "--set steps=0"
  std::string source;  // as in ConfigSources: the place, or "--set"
  std::string text;    // of a scalar
  bool quoted = false;
  std::vector<YamlValue> items;    // of a list
  std::vector<YamlEntry> entries;  // of a map, in the order of the text

  // "a list", "a map", "no value", or the scalar itself.
  std::string Describe() const;
};

struct YamlEntry {
  YamlValue key;  // a scalar
  YamlValue value;
};

inline constexpr size_t kMaxYamlBytes = size_t{1} << 20;
inline constexpr int kMaxYamlDepth = 32;

// Parses one YAML document; an empty text is kNull. Aliases and tags are refused: a configuration needs neither, and
// aliases make small texts huge.
// Errors: kInvalidArgument "sft.yaml:3:5: ..." for text that is no YAML, longer than kMaxYamlBytes, deeper than
// kMaxYamlDepth, or with a second document.
absl::StatusOr<YamlValue> ParseYaml(absl::string_view text, absl::string_view name);

}  // namespace plumb

#endif  // PLUMB_BASE_CONFIG_YAML_H_
