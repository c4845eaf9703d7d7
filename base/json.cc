#include "base/json.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/broken_download.h"

namespace plumb {
namespace {

// Builds a value from SAX events and refuses duplicate keys and what is over the limits, which the library's own parser
// lets pass.
class BoundedReader : public nlohmann::json_sax<Json> {
 public:
  explicit BoundedReader(const JsonLimits& limits) : limits_(limits) {}

  Json TakeResult() { return std::move(result_); }
  const std::string& error() const { return error_; }

  bool null() override { return Add(Json(nullptr)); }
  bool boolean(bool value) override { return Add(Json(value)); }
  bool number_integer(number_integer_t value) override { return Add(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Add(Json(value)); }
  bool number_float(number_float_t value, const string_t& text) override {
    if (!std::isfinite(value)) return Fail(absl::StrCat("the number ", text, " is too large"));
    // Python and others keep such an integer whole; as a double it would lose its last digits.
    if (text.find_first_of(".eE") == string_t::npos) {
      return Fail(absl::StrCat("the integer ", text, " is outside of [-2^63, 2^64); write it as a text"));
    }
    return Add(Json(value));
  }
  bool string(string_t& value) override { return Add(Json(std::move(value))); }
  bool binary(binary_t&) override { return Fail("binary values are not JSON"); }
  bool start_object(size_t) override { return Open(Json::object()); }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override { return Open(Json::array()); }
  bool end_array() override { return Close(); }

  bool key(string_t& name) override {
    if (!open_.back().keys.insert(name).second) return Fail(absl::StrCat("the key \"", name, "\" is given twice"));
    open_.back().key = name;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& exception) override {
    if (error_.empty()) error_ = absl::StrCat("byte ", position, ": ", Reason(exception.what()));
    return false;
  }

 private:
  struct Level {
    Json value;
    std::string key;
    std::set<std::string> keys;
  };

  // The library's message without its own name and number.
  static std::string Reason(const std::string& what) {
    const size_t colon = what.find(": ");
    return colon == std::string::npos ? what : what.substr(colon + 2);
  }

  bool Fail(std::string reason) {
    error_ = std::move(reason);
    return false;
  }

  bool Open(Json container) {
    if (static_cast<int>(open_.size()) >= limits_.max_depth) {
      return Fail(absl::StrCat("nested deeper than ", limits_.max_depth, " levels"));
    }
    open_.push_back({std::move(container), "", {}});
    return true;
  }

  bool Close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return Add(std::move(value));
  }

  bool Add(Json value) {
    if (++values_ > limits_.max_values) return Fail(absl::StrCat("more than ", limits_.max_values, " values"));
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (open_.back().value.is_array()) {
      open_.back().value.push_back(std::move(value));
    } else {
      // push_back, for ordered_json's operator[] searches all keys, and the set has seen to duplicates.
      auto& members = open_.back().value.get_ref<Json::object_t&>();
      members.emplace_back(std::move(open_.back().key), std::move(value));
    }
    return true;
  }

  const JsonLimits limits_;
  int64_t values_ = 0;
  std::vector<Level> open_;
  Json result_;
  std::string error_;
};

absl::StatusOr<const Json*> Member(const Json& object, absl::string_view key, absl::string_view what) {
  if (!object.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": is ", object.type_name(), ", expected an object"));
  }
  const auto found = object.find(std::string(key));
  if (found == object.end()) return absl::InvalidArgumentError(absl::StrCat(what, ": ", key, " is missing"));
  return &*found;
}

absl::Status WrongType(const Json& value, absl::string_view key, absl::string_view what, absl::string_view expected) {
  std::string shown = DumpJson(value);
  if (shown.size() > 60) shown = absl::StrCat(shown.substr(0, 57), "...");
  return absl::InvalidArgumentError(absl::StrCat(what, ": ", key, " is ", shown, ", expected ", expected));
}

}  // namespace

absl::StatusOr<Json> ParseJson(absl::string_view text, absl::string_view what, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": has ", text.size(), " bytes, at most ", limits.max_bytes, " are read"));
  }
  // The library takes a zero byte for the end of the text, and skips a byte order mark.
  const size_t zero = text.find('\0');
  if (zero != absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": not valid JSON: byte ", zero, " is zero"));
  }
  if (absl::StartsWith(text, "\xEF\xBB\xBF")) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": not valid JSON: starts with a byte order mark"));
  }
  BoundedReader reader(limits);
  const bool parsed = Json::sax_parse(text.begin(), text.end(), &reader);
  if (parsed) return reader.TakeResult();
  const std::string broken = BrokenDownload(text, "JSON");
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": ", broken.empty() ? absl::StrCat("not valid JSON: ", reader.error()) : broken));
}

std::string DumpJson(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json FloatJson(float value) {
  if (!std::isfinite(value)) return Json(nullptr);
  char digits[48];
  const auto end = std::to_chars(digits, digits + sizeof(digits) - 1, value).ptr;
  *end = '\0';
  const double shortest = std::strtod(digits, nullptr);
  // Rounding twice can miss in rare ties; then the float's exact value is written.
  return Json(static_cast<float>(shortest) == value ? shortest : static_cast<double>(value));
}

Json FloatsJson(const std::vector<float>& values) {
  Json list = Json::array();
  for (const float value : values) list.push_back(FloatJson(value));
  return list;
}

absl::StatusOr<int64_t> JsonInt(const Json& object, absl::string_view key, absl::string_view what) {
  absl::StatusOr<const Json*> member = Member(object, key, what);
  if (!member.ok()) return member.status();
  const Json& value = **member;
  if (value.is_number_unsigned() && value.get<uint64_t>() > std::numeric_limits<int64_t>::max()) {
    return WrongType(value, key, what, "a number below 2^63");
  }
  if (!value.is_number_integer()) return WrongType(value, key, what, "an integer");
  return value.get<int64_t>();
}

absl::StatusOr<double> JsonDouble(const Json& object, absl::string_view key, absl::string_view what) {
  absl::StatusOr<const Json*> member = Member(object, key, what);
  if (!member.ok()) return member.status();
  if (!(*member)->is_number()) return WrongType(**member, key, what, "a number");
  return (*member)->get<double>();
}

absl::StatusOr<std::string> JsonString(const Json& object, absl::string_view key, absl::string_view what) {
  absl::StatusOr<const Json*> member = Member(object, key, what);
  if (!member.ok()) return member.status();
  if (!(*member)->is_string()) return WrongType(**member, key, what, "a string");
  return (*member)->get<std::string>();
}

absl::StatusOr<bool> JsonBool(const Json& object, absl::string_view key, absl::string_view what) {
  absl::StatusOr<const Json*> member = Member(object, key, what);
  if (!member.ok()) return member.status();
  if (!(*member)->is_boolean()) return WrongType(**member, key, what, "true or false");
  return (*member)->get<bool>();
}

absl::StatusOr<std::vector<int64_t>> JsonInts(const Json& object, absl::string_view key, absl::string_view what) {
  absl::StatusOr<const Json*> member = Member(object, key, what);
  if (!member.ok()) return member.status();
  if (!(*member)->is_array()) return WrongType(**member, key, what, "a list of integers");
  std::vector<int64_t> values;
  values.reserve((*member)->size());
  for (const Json& item : **member) {
    const bool fits = item.is_number_integer() &&
                      !(item.is_number_unsigned() && item.get<uint64_t>() > std::numeric_limits<int64_t>::max());
    if (!fits || item.get<int64_t>() < 0) {
      return WrongType(item, absl::StrCat(key, "[", values.size(), "]"), what, "an integer of at least 0");
    }
    values.push_back(item.get<int64_t>());
  }
  return values;
}

}  // namespace plumb
