#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "base/config.h"
#include "base/config_field.h"

namespace plumb {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

std::string Escaped(const std::string& text) { return absl::StrReplaceAll(text, {{"|", "\\|"}, {"\n", " "}}); }

std::string TypeCell(const FieldDescriptor& field) {
  std::string type;
  if (field.message_type() != nullptr) {
    const std::string& name = field.message_type()->name();
    type = absl::StrCat("[", name, "](#", absl::AsciiStrToLower(name), ")");
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    type = "text";
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    type = "true or false";
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
    type = "number";
  } else {
    type = "whole number";
  }
  return field.is_repeated() ? absl::StrCat("list of ", type) : type;
}

std::string DefaultCell(const FieldDescriptor& field) {
  const proto::FieldDoc& doc = DocOf(field);
  if (doc.has_default_()) return doc.default_().empty() ? "empty" : absl::StrCat("`", doc.default_(), "`");
  if (doc.optional()) return "none";
  return field.message_type() != nullptr && !field.is_repeated() ? "" : "**required**";
}

std::string RangeCell(const proto::FieldDoc& doc) {
  if (!doc.choices().empty()) {
    return absl::StrCat("`", absl::StrJoin(doc.choices().begin(), doc.choices().end(), "`, `"), "`");
  }
  const std::string lower = doc.has_min() ? absl::StrCat(doc.above_min() ? "above " : "at least ", doc.min()) : "";
  const std::string upper = doc.has_max() ? absl::StrCat("at most ", doc.max()) : "";
  return absl::StrCat(lower, lower.empty() || upper.empty() ? "" : ", ", upper);
}

std::string MessageSection(const Descriptor& message) {
  std::string section = absl::StrCat("## ", message.name(), "\n\n| key | type | default | allowed | unit | meaning |\n",
                                     "|---|---|---|---|---|---|\n");
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const proto::FieldDoc& doc = DocOf(field);
    const std::vector<std::string> cells = {absl::StrCat("`", field.name(), "`"),
                                            TypeCell(field),
                                            DefaultCell(field),
                                            RangeCell(doc),
                                            doc.unit(),
                                            Escaped(doc.help())};
    absl::StrAppend(&section, "| ", absl::StrJoin(cells, " | "), " |\n");
  }
  return section;
}

}  // namespace

std::string ConfigReference(const std::vector<const Descriptor*>& roots) {
  std::vector<const Descriptor*> messages = roots;
  // Messages that are found on the way join the end of the list, each once.
  for (size_t i = 0; i < messages.size(); ++i) {
    const Descriptor* message = messages[i];
    for (int j = 0; j < message->field_count(); ++j) {
      const Descriptor* inner = message->field(j)->message_type();
      const bool known = inner == nullptr || std::find(messages.begin(), messages.end(), inner) != messages.end();
      if (!known) messages.push_back(inner);
    }
  }
  return absl::StrJoin(messages, "\n", [](std::string* out, const Descriptor* message) {
    absl::StrAppend(out, MessageSection(*message));
  });
}

}  // namespace plumb
