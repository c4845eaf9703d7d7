#include <google/protobuf/util/message_differencer.h>

#include "absl/strings/str_split.h"
#include "base/config.h"
#include "base/config_field.h"

namespace plumb {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

class ConfigWriter {
 public:
  explicit ConfigWriter(const ConfigSources& sources) : sources_(sources) {}

  // The lines of a message, not indented.
  std::vector<std::string> Lines(const Message& message, const std::string& path) const {
    std::vector<std::string> lines;
    const google::protobuf::Descriptor& schema = *message.GetDescriptor();
    for (int i = 0; i < schema.field_count(); ++i) AddField(message, *schema.field(i), path, lines);
    return lines;
  }

 private:
  void AddField(const Message& message, const FieldDescriptor& field, const std::string& path,
                std::vector<std::string>& lines) const {
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    const std::string field_path = path.empty() ? field.name() : absl::StrCat(path, ".", field.name());
    const std::string key = absl::StrCat(field.name(), ":");
    if (field.is_repeated()) {
      AddList(message, field, field_path, lines);
    } else if (!reflection.HasField(message, &field)) {
      return;
    } else if (field.message_type() == nullptr) {
      lines.push_back(WithSource(absl::StrCat(key, " ", FormatScalar(message, field, -1)), field_path));
    } else {
      const std::vector<std::string> inner = Lines(reflection.GetMessage(message, &field), field_path);
      lines.push_back(inner.empty() ? absl::StrCat(key, " {}") : key);
      for (const std::string& line : inner) lines.push_back(absl::StrCat("  ", line));
    }
  }

  void AddList(const Message& message, const FieldDescriptor& field, const std::string& path,
               std::vector<std::string>& lines) const {
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    lines.push_back(absl::StrCat(field.name(), size == 0 ? ": []" : ":"));
    for (int i = 0; i < size; ++i) {
      const std::string item_path = absl::StrCat(path, ".", i);
      std::vector<std::string> item;
      if (field.message_type() == nullptr) {
        item.push_back(WithSource(FormatScalar(message, field, i), item_path));
      } else {
        item = Lines(reflection.GetRepeatedMessage(message, &field, i), item_path);
      }
      if (item.empty()) item.push_back("{}");
      for (size_t j = 0; j < item.size(); ++j) lines.push_back(absl::StrCat(j == 0 ? "  - " : "    ", item[j]));
    }
  }

  std::string WithSource(const std::string& line, const std::string& path) const {
    const auto found = sources_.find(path);
    return found == sources_.end() ? line : absl::StrCat(line, "  # ", found->second);
  }

  const ConfigSources& sources_;
};

}  // namespace

std::string FormatConfig(const Message& config, const ConfigSources& sources) {
  return absl::StrCat(absl::StrJoin(ConfigWriter(sources).Lines(config, ""), "\n"), "\n");
}

std::vector<std::string> ConfigDifferences(const google::protobuf::Message& before,
                                           const google::protobuf::Message& after) {
  std::string report;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&report);
  differencer.Compare(before, after);
  return absl::StrSplit(report, '\n', absl::SkipEmpty());
}

}  // namespace plumb
