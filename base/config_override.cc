#include "base/config_override.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

bool IsIndex(const std::string& segment) {
  return !segment.empty() && segment.size() <= 6 && std::all_of(segment.begin(), segment.end(), absl::ascii_isdigit);
}

// Whether the path names a text, alone or as an element of a list; false for what the schema does not know.
bool NamesText(const std::vector<std::string>& path, const Descriptor& schema) {
  const Descriptor* message = &schema;
  const FieldDescriptor* field = nullptr;
  bool is_list = false;
  for (const std::string& segment : path) {
    if (is_list && IsIndex(segment)) {
      is_list = false;
      continue;
    }
    if (message == nullptr) return false;
    field = message->FindFieldByName(segment);
    if (field == nullptr) return false;
    is_list = field->is_repeated();
    message = field->message_type();
  }
  return field != nullptr && !is_list && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
}

bool IsQuoted(absl::string_view text) {
  return text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
}

void SetOrigin(const std::string& place, YamlValue& value) {
  value.place = place;
  value.source = "--set";
  for (YamlValue& item : value.items) SetOrigin(place, item);
  for (YamlEntry& entry : value.entries) {
    SetOrigin(place, entry.key);
    SetOrigin(place, entry.value);
  }
}

absl::StatusOr<YamlValue> OverrideValue(const std::string& text, bool is_text, const std::string& place) {
  YamlValue value;
  if (is_text && !IsQuoted(text)) {
    value.kind = YamlValue::Kind::kScalar;
    value.text = text;
    value.quoted = true;
  } else {
    ASSIGN_OR_RETURN(value, ParseYaml(text, place));
  }
  SetOrigin(place, value);
  return value;
}

YamlValue MakeKey(const std::string& name, const std::string& place) {
  YamlValue key;
  key.kind = YamlValue::Kind::kScalar;
  key.text = name;
  SetOrigin(place, key);
  return key;
}

absl::StatusOr<YamlValue*> ElementAt(const std::string& segment, const std::string& place, YamlValue& list) {
  size_t index = 0;
  if (!IsIndex(segment) || !absl::SimpleAtoi(segment, &index)) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": ", segment, ": expected the number of a list element"));
  }
  if (index > list.items.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": ", index, ": the list has ", list.items.size(), " elements"));
  }
  if (index == list.items.size()) {
    list.items.emplace_back();
    list.items.back().place = place;
    list.items.back().source = "--set";
  }
  return &list.items[index];
}

YamlValue* MemberOf(const std::string& segment, const std::string& place, YamlValue& map) {
  for (YamlEntry& entry : map.entries) {
    if (entry.key.text == segment) return &entry.value;
  }
  map.entries.push_back({MakeKey(segment, place), YamlValue()});
  // A map that an override makes stands where its parent stands: what it lacks is the file's fault.
  YamlValue& value = map.entries.back().value;
  value.place = map.place;
  value.source = map.source;
  return &value;
}

absl::StatusOr<YamlValue*> Descend(const std::string& segment, const std::string& place, YamlValue& parent) {
  if (parent.kind == YamlValue::Kind::kNull) {
    parent.kind = IsIndex(segment) ? YamlValue::Kind::kList : YamlValue::Kind::kMap;
  }
  if (parent.kind == YamlValue::Kind::kList) return ElementAt(segment, place, parent);
  if (parent.kind == YamlValue::Kind::kMap) return MemberOf(segment, place, parent);
  return absl::InvalidArgumentError(
      absl::StrCat(place, ": ", segment, ": lies inside the value ", parent.Describe(), " of ", parent.place));
}

}  // namespace

absl::Status ApplyOverride(const std::string& override_text, const Descriptor& schema, YamlValue& root) {
  const std::string place = absl::StrCat("--set ", override_text);
  const size_t equals = override_text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": expected key=value, such as optimizer.learning_rate=1e-4"));
  }
  const std::vector<std::string> path = absl::StrSplit(override_text.substr(0, equals), '.');
  if (path.size() > kMaxYamlDepth) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": nested deeper than ", kMaxYamlDepth, " levels"));
  }
  ASSIGN_OR_RETURN(YamlValue value, OverrideValue(override_text.substr(equals + 1), NamesText(path, schema), place));
  YamlValue* target = &root;
  for (const std::string& segment : path) {
    if (segment.empty()) return absl::InvalidArgumentError(absl::StrCat(place, ": an empty key"));
    ASSIGN_OR_RETURN(target, Descend(segment, place, *target));
  }
  *target = std::move(value);
  return absl::OkStatus();
}

}  // namespace plumb
