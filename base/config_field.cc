#include "base/config_field.h"

#include <charconv>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "base/check.h"
#include "base/config_suggestion.h"

namespace plumb {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string FormatDouble(double value) {
  char text[64];
  const std::to_chars_result end = std::to_chars(text, text + sizeof(text), value);
  return std::string(text, end.ptr);
}

std::string RangeProblem(double number, const std::string& shown, const proto::FieldDoc& doc) {
  if (doc.has_min() && doc.above_min() && number <= doc.min()) {
    return absl::StrCat(shown, " is not more than ", FormatDouble(doc.min()));
  }
  if (doc.has_min() && number < doc.min()) return absl::StrCat(shown, " is less than ", FormatDouble(doc.min()));
  if (doc.has_max() && number > doc.max()) return absl::StrCat(shown, " is more than ", FormatDouble(doc.max()));
  return "";
}

template <typename Integer>
std::string ReadInteger(const YamlValue& value, const proto::FieldDoc& doc, Integer& number) {
  absl::string_view digits = value.text;
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  const bool is_whole =
      !value.quoted && !digits.empty() && std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit);
  if (!is_whole) return absl::StrCat("expected a whole number, found ", value.Describe());
  if (!absl::SimpleAtoi(value.text, &number)) {
    return absl::StrCat(value.text, " does not fit into ", sizeof(Integer) * 8, " bits");
  }
  return RangeProblem(static_cast<double>(number), value.text, doc);
}

std::string ReadDouble(const YamlValue& value, const proto::FieldDoc& doc, double& number) {
  const bool looks_right = !value.quoted && value.text.find_first_not_of("0123456789+-.eE") == std::string::npos;
  if (!looks_right || !absl::SimpleAtod(value.text, &number)) {
    return absl::StrCat("expected a number, found ", value.Describe());
  }
  if (!std::isfinite(number)) return absl::StrCat(value.text, " is too large");
  return RangeProblem(number, value.text, doc);
}

std::string ReadBool(const YamlValue& value, bool& flag) {
  const std::string text = absl::AsciiStrToLower(value.text);
  flag = text == "true";
  const bool is_bool = !value.quoted && (flag || text == "false");
  return is_bool ? "" : absl::StrCat("expected true or false, found ", value.Describe());
}

std::string CheckChoice(const std::string& text, const proto::FieldDoc& doc) {
  if (doc.choices().empty()) return "";
  const std::vector<std::string> choices(doc.choices().begin(), doc.choices().end());
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) return "";
  return absl::StrCat("\"", text, "\" is not one of ", absl::StrJoin(choices, ", "), DidYouMean(text, choices));
}

bool IsPlainText(const std::string& text) {
  if (text.empty() || absl::EqualsIgnoreCase(text, "null")) return false;
  const auto plain = [](char c) { return absl::ascii_isalnum(c) || c == '_' || c == '/' || c == '.' || c == '-'; };
  return (absl::ascii_isalpha(text[0]) || text[0] == '/' || text[0] == '_') &&
         std::all_of(text.begin(), text.end(), plain);
}

std::string FormatText(const std::string& text) {
  if (IsPlainText(text)) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += absl::StrFormat("\\x%02x", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace

const proto::FieldDoc& DocOf(const FieldDescriptor& field) { return field.options().GetExtension(proto::doc); }

std::vector<std::string> FieldNames(const google::protobuf::Descriptor& message) {
  std::vector<std::string> names;
  for (int i = 0; i < message.field_count(); ++i) names.push_back(message.field(i)->name());
  return names;
}

// Calls the setter of a type, or its adder for a list, once `problem` is empty.
#define PLUMB_SET_CASE(Type, variable)                \
  if (!problem.empty()) return problem;               \
  if (field.is_repeated()) {                          \
    reflection.Add##Type(&message, &field, variable); \
  } else {                                            \
    reflection.Set##Type(&message, &field, variable); \
  }                                                   \
  return ""

std::string SetScalar(const YamlValue& value, const FieldDescriptor& field, Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const proto::FieldDoc& doc = DocOf(field);
  if (value.kind == YamlValue::Kind::kNull) return "has no value; leave the key out to take the default";
  if (value.kind != YamlValue::Kind::kScalar) return absl::StrCat("expected one value, found ", value.Describe());
  std::string problem;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t number = 0;
      problem = ReadInteger(value, doc, number);
      PLUMB_SET_CASE(Int32, number);
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t number = 0;
      problem = ReadInteger(value, doc, number);
      PLUMB_SET_CASE(Int64, number);
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double number = 0;
      problem = ReadDouble(value, doc, number);
      PLUMB_SET_CASE(Double, number);
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool flag = false;
      problem = ReadBool(value, flag);
      PLUMB_SET_CASE(Bool, flag);
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      problem = CheckChoice(value.text, doc);
      PLUMB_SET_CASE(String, value.text);
    }
    default:
      PLUMB_CHECK(false) << field.full_name() << " has a type that configurations do not have";
      return "";
  }
}
#undef PLUMB_SET_CASE

bool SetDefault(const FieldDescriptor& field, Message& message) {
  const proto::FieldDoc& doc = DocOf(field);
  if (!doc.has_default_()) return false;
  YamlValue value;
  value.kind = YamlValue::Kind::kScalar;
  value.text = doc.default_();
  const std::string problem = SetScalar(value, field, message);
  PLUMB_CHECK(problem.empty()) << "the default of " << field.full_name() << ": " << problem;
  return true;
}

std::string FormatScalar(const Message& message, const FieldDescriptor& field, int index) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const bool repeated = index >= 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(repeated ? reflection.GetRepeatedInt32(message, &field, index)
                                   : reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(repeated ? reflection.GetRepeatedInt64(message, &field, index)
                                   : reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return FormatDouble(repeated ? reflection.GetRepeatedDouble(message, &field, index)
                                   : reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (repeated ? reflection.GetRepeatedBool(message, &field, index) : reflection.GetBool(message, &field))
                 ? "true"
                 : "false";
    case FieldDescriptor::CPPTYPE_STRING:
      return FormatText(repeated ? reflection.GetRepeatedString(message, &field, index)
                                 : reflection.GetString(message, &field));
    default:
      PLUMB_CHECK(false) << field.full_name() << " has a type that configurations do not have";
      return "";
  }
}

}  // namespace plumb
