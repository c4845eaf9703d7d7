#include "base/config_reader.h"

#include "base/config_field.h"
#include "base/config_suggestion.h"

namespace plumb {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string Join(const std::string& path, const std::string& name) {
  return path.empty() ? name : absl::StrCat(path, ".", name);
}

}  // namespace

void ConfigReader::Report(const std::string& place, const std::string& path, const std::string& problem) {
  problems_.push_back(path.empty() ? absl::StrCat(place, ": ", problem)
                                   : absl::StrCat(place, ": ", path, ": ", problem));
}

void ConfigReader::ReadMessage(const YamlValue& value, const std::string& path, Message& message) {
  if (value.kind != YamlValue::Kind::kMap && value.kind != YamlValue::Kind::kNull) {
    Report(value.place, path, absl::StrCat("expected keys and values, found ", value.Describe()));
    return;
  }
  const google::protobuf::Descriptor& schema = *message.GetDescriptor();
  std::map<std::string, std::string> places;
  std::vector<std::string> given;
  for (const YamlEntry& entry : value.entries) {
    const std::string& name = entry.key.text;
    const std::string field_path = Join(path, name);
    const auto [previous, is_new] = places.emplace(name, entry.key.place);
    const FieldDescriptor* field = schema.FindFieldByName(name);
    if (field == nullptr) {
      Report(entry.key.place, field_path, absl::StrCat("unknown key", SuggestKey(name, schema, *root_)));
    } else if (!is_new) {
      Report(entry.key.place, field_path, absl::StrCat("given twice, first at ", previous->second));
    } else {
      given.push_back(name);
      ReadField(entry.value, field_path, *field, message);
    }
  }
  FillMissing(value, path, given, message);
}

void ConfigReader::ReadField(const YamlValue& value, const std::string& path, const FieldDescriptor& field,
                             Message& message) {
  if (field.is_repeated()) {
    ReadList(value, path, field, message);
  } else if (field.message_type() != nullptr) {
    ReadMessage(value, path, *message.GetReflection()->MutableMessage(&message, &field));
  } else if (const std::string problem = SetScalar(value, field, message); !problem.empty()) {
    Report(value.place, path, problem);
  } else {
    sources_[path] = value.source;
  }
}

void ConfigReader::ReadList(const YamlValue& value, const std::string& path, const FieldDescriptor& field,
                            Message& message) {
  if (value.kind != YamlValue::Kind::kList && value.kind != YamlValue::Kind::kNull) {
    Report(value.place, path, absl::StrCat("expected a list, found ", value.Describe()));
    return;
  }
  if (value.items.empty() && !DocOf(field).optional()) {
    Report(value.place, path, "expected a list with at least one element");
  }
  for (size_t i = 0; i < value.items.size(); ++i) {
    const YamlValue& item = value.items[i];
    const std::string item_path = Join(path, absl::StrCat(i));
    if (field.message_type() != nullptr) {
      ReadMessage(item, item_path, *message.GetReflection()->AddMessage(&message, &field));
    } else if (const std::string problem = SetScalar(item, field, message); !problem.empty()) {
      Report(item.place, item_path, problem);
    } else {
      sources_[item_path] = item.source;
    }
  }
}

void ConfigReader::FillMissing(const YamlValue& value, const std::string& path, const std::vector<std::string>& given,
                               Message& message) {
  const google::protobuf::Descriptor& schema = *message.GetDescriptor();
  for (int i = 0; i < schema.field_count(); ++i) {
    const FieldDescriptor& field = *schema.field(i);
    if (std::find(given.begin(), given.end(), field.name()) != given.end()) continue;
    const std::string field_path = Join(path, field.name());
    if (SetDefault(field, message)) {
      sources_[field_path] = "default";
    } else if (DocOf(field).optional()) {
      continue;
    } else if (field.message_type() != nullptr && !field.is_repeated()) {
      YamlValue nothing;
      nothing.place = value.place;
      ReadMessage(nothing, field_path, *message.GetReflection()->MutableMessage(&message, &field));
    } else {
      Report(value.place, field_path, absl::StrCat("required, but not given (", DocOf(field).help(), ")"));
    }
  }
}

}  // namespace plumb
