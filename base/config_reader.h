#ifndef PLUMB_BASE_CONFIG_READER_H_
#define PLUMB_BASE_CONFIG_READER_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "base/config.h"
#include "base/config_yaml.h"

namespace plumb {

// Fills messages from a tree of YAML values and then from defaults, collecting what is wrong. Not thread-safe.
class ConfigReader {
 public:
  // Fills `message` from the map `value`. Sub-messages that are missing are made with their defaults unless the schema
  // marks them optional.
  void Read(const YamlValue& value, google::protobuf::Message& message) {
    root_ = message.GetDescriptor();
    ReadMessage(value, "", message);
  }

  // One line each: "sft.yaml:7:3: optimizer.learning_rat: unknown key; did you mean learning_rate?".
  const std::vector<std::string>& problems() const { return problems_; }
  const ConfigSources& sources() const { return sources_; }

 private:
  void ReadMessage(const YamlValue& value, const std::string& path, google::protobuf::Message& message);
  void ReadField(const YamlValue& value, const std::string& path, const google::protobuf::FieldDescriptor& field,
                 google::protobuf::Message& message);
  void ReadList(const YamlValue& value, const std::string& path, const google::protobuf::FieldDescriptor& field,
                google::protobuf::Message& message);
  void FillMissing(const YamlValue& value, const std::string& path, const std::vector<std::string>& given,
                   google::protobuf::Message& message);
  void Report(const std::string& place, const std::string& path, const std::string& problem);

  const google::protobuf::Descriptor* root_ = nullptr;
  std::vector<std::string> problems_;
  ConfigSources sources_;
};

}  // namespace plumb

#endif  // PLUMB_BASE_CONFIG_READER_H_
