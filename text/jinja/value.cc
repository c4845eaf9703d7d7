#include "text/jinja/value.h"

#include <algorithm>

#include "base/status_macros.h"
#include "text/unicode.h"

namespace plumb::jinja {
namespace {

absl::Status CheckInside(size_t count, int depth) {
  if (count > kMaxListSize) {
    return absl::ResourceExhaustedError(absl::StrCat("a list of ", count, " members, the limit is ", kMaxListSize));
  }
  if (depth > kMaxValueDepth) {
    return absl::ResourceExhaustedError(absl::StrCat("lists nested deeper than ", kMaxValueDepth));
  }
  return absl::OkStatus();
}

absl::Status RefuseNamespace(const Value& value) {
  if (value.name_space() == nullptr && value.loop() == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a ", value.TypeName(), " inside of another value is not supported"));
}

absl::StatusOr<bool> LessLists(const List& a, const List& b) {
  for (size_t i = 0; i < std::min(a.items.size(), b.items.size()); ++i) {
    if (!Equal(a.items[i], b.items[i])) return Less(a.items[i], b.items[i]);
  }
  return a.items.size() < b.items.size();
}

}  // namespace

Value Value::OfJson(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return OfBool(json.get<bool>());
    case Json::value_t::number_integer:
      return OfInt(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() <= INT64_MAX) return OfInt(json.get<int64_t>());
      return OfFloat(json.get<double>());
    case Json::value_t::number_float:
      return OfFloat(json.get<double>());
    case Json::value_t::string:
      return OfText(ReplaceInvalidUtf8(json.get_ref<const std::string&>()));
    case Json::value_t::array: {
      List list;
      for (const Json& item : json) {
        list.items.push_back(OfJson(item));
        list.depth = std::max(list.depth, list.items.back().Depth() + 1);
      }
      return Value(std::make_shared<const List>(std::move(list)));
    }
    case Json::value_t::object: {
      Dict dict;
      for (const auto& [key, item] : json.items()) {
        dict.items.emplace_back(OfText(key), OfJson(item));
        dict.depth = std::max(dict.depth, dict.items.back().second.Depth() + 1);
      }
      return Value(std::make_shared<const Dict>(std::move(dict)));
    }
    default:
      return OfNone();
  }
}

absl::StatusOr<Value> Value::OfList(std::vector<Value> items, bool is_tuple) {
  List list{std::move(items), is_tuple};
  for (const Value& item : list.items) {
    RETURN_IF_ERROR(RefuseNamespace(item));
    list.depth = std::max(list.depth, item.Depth() + 1);
  }
  RETURN_IF_ERROR(CheckInside(list.items.size(), list.depth));
  return Value(std::make_shared<const List>(std::move(list)));
}

absl::StatusOr<Value> Value::OfDict(std::vector<std::pair<Value, Value>> items) {
  Dict dict;
  for (auto& [key, value] : items) {
    if (key.list() != nullptr || key.dict() != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("a ", key.TypeName(), " cannot be a key"));
    }
    RETURN_IF_ERROR(RefuseNamespace(key));
    RETURN_IF_ERROR(RefuseNamespace(value));
    dict.depth = std::max(dict.depth, value.Depth() + 1);
    const auto same = std::find_if(dict.items.begin(), dict.items.end(),
                                   [&, &wanted = key](const auto& item) { return Equal(item.first, wanted); });
    if (same != dict.items.end()) {
      same->second = std::move(value);
    } else {
      dict.items.emplace_back(std::move(key), std::move(value));
    }
  }
  RETURN_IF_ERROR(CheckInside(dict.items.size(), dict.depth));
  return Value(std::make_shared<const Dict>(std::move(dict)));
}

bool Value::Truth() const {
  if (is_undefined() || is_none()) return false;
  if (is_number()) return number() != 0;
  if (is_text()) return !text().empty();
  if (list() != nullptr) return !list()->items.empty();
  if (dict() != nullptr) return !dict()->items.empty();
  return true;
}

std::string Value::TypeName() const {
  if (is_undefined()) return "undefined";
  if (is_none()) return "NoneType";
  if (is_bool()) return "bool";
  if (is_int()) return "int";
  if (is_float()) return "float";
  if (is_text()) return "str";
  if (list() != nullptr) return list()->is_tuple ? "tuple" : "list";
  if (dict() != nullptr) return "dict";
  if (name_space() != nullptr) return "namespace";
  return loop() != nullptr ? "loop" : "function";
}

int64_t Value::Weight() const {
  if (is_text()) return static_cast<int64_t>(text().size());
  if (list() != nullptr) return static_cast<int64_t>(list()->items.size()) * 16;
  if (dict() != nullptr) return static_cast<int64_t>(dict()->items.size()) * 32;
  return 1;
}

int Value::Depth() const {
  if (list() != nullptr) return list()->depth;
  return dict() != nullptr ? dict()->depth : 0;
}

absl::Status TextTooLarge() {
  return absl::ResourceExhaustedError(absl::StrCat("a text of more than ", kMaxTextBytes, " bytes"));
}

absl::StatusOr<Value> CheckedText(std::string text) {
  if (text.size() > kMaxTextBytes) return TextTooLarge();
  return Value::OfText(std::move(text));
}

bool Equal(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return a.integer() == b.integer();
  if (a.is_number() && b.is_number()) return a.number() == b.number();
  if (a.is_text() && b.is_text()) return a.text() == b.text();
  if (a.is_none() || a.is_undefined()) return a.is_none() == b.is_none() && a.is_undefined() == b.is_undefined();
  if (a.list() != nullptr && b.list() != nullptr) {
    return a.list()->is_tuple == b.list()->is_tuple &&
           std::equal(a.list()->items.begin(), a.list()->items.end(), b.list()->items.begin(), b.list()->items.end(),
                      Equal);
  }
  if (a.dict() != nullptr && b.dict() != nullptr) {
    if (a.dict()->items.size() != b.dict()->items.size()) return false;
    return std::all_of(a.dict()->items.begin(), a.dict()->items.end(), [&](const auto& item) {
      const Value* other = FindKey(*b.dict(), item.first);
      return other != nullptr && Equal(item.second, *other);
    });
  }
  return a.name_space() != nullptr && a.name_space() == b.name_space();
}

absl::StatusOr<bool> Less(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return a.integer() < b.integer();
  if (a.is_number() && b.is_number()) return a.number() < b.number();
  if (a.is_text() && b.is_text()) return a.text() < b.text();
  if (a.list() != nullptr && b.list() != nullptr) return LessLists(*a.list(), *b.list());
  return absl::InvalidArgumentError(
      absl::StrCat("values of types ", a.TypeName(), " and ", b.TypeName(), " have no order"));
}

const Value* FindKey(const Dict& dict, const Value& key) {
  for (const auto& [own, value] : dict.items) {
    if (Equal(own, key)) return &value;
  }
  return nullptr;
}

const Value* FindKey(const Dict& dict, absl::string_view key) {
  for (const auto& [own, value] : dict.items) {
    if (own.is_text() && own.text() == key) return &value;
  }
  return nullptr;
}

absl::StatusOr<std::vector<Value>> Iterate(const Value& value) {
  if (value.list() != nullptr) return value.list()->items;
  if (value.is_undefined()) return std::vector<Value>();
  std::vector<Value> items;
  if (value.dict() != nullptr) {
    for (const auto& [key, unused] : value.dict()->items) items.push_back(key);
    return items;
  }
  if (!value.is_text()) {
    return absl::InvalidArgumentError(absl::StrCat("a value of type ", value.TypeName(), " cannot be iterated"));
  }
  RETURN_IF_ERROR(CheckInside(value.text().size(), 1));
  for (const int32_t point : CodePoints(value.text())) {
    std::string letter;
    AppendUtf8(point, &letter);
    items.push_back(Value::OfText(std::move(letter)));
  }
  return items;
}

}  // namespace plumb::jinja
