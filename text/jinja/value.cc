#include "text/jinja/value.h"

#include <algorithm>
#include <cmath>
#include <cstring>

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

absl::Status RefuseInside(const Value& value) {
  const bool is_method = value.is_function() && value.function().self != nullptr;
  if (value.name_space() == nullptr && value.loop() == nullptr && !is_method) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a ", value.TypeName(), " inside of another value is not supported"));
}

constexpr int64_t kMemberWeight = 64;
constexpr int64_t kMaxDeepWeight = int64_t{1} << 50;  // far above any budget, far below an overflow
constexpr size_t kSmallDict = 8;

int64_t AddWeights(int64_t sum, const Value& member) {
  return std::min(sum + kMemberWeight + member.DeepWeight(), kMaxDeepWeight);
}

// Of one whose key is new.
void AppendItem(Value key, Value value, Dict* dict) {
  dict->deep_weight = AddWeights(AddWeights(dict->deep_weight, key), value);
  dict->items.emplace_back(std::move(key), std::move(value));
}

// The place of a key in `items`, or their number. Small dicts are searched, larger ones have an index.
size_t PlaceOfKey(const Dict& dict, const Value& key) {
  if (dict.places.empty()) {
    const auto found =
        std::find_if(dict.items.begin(), dict.items.end(), [&](const auto& item) { return Equal(item.first, key); });
    return found - dict.items.begin();
  }
  const absl::StatusOr<std::string> text = KeyText(key);
  if (!text.ok()) return dict.items.size();
  const auto found = dict.places.find(*text);
  return found == dict.places.end() ? dict.items.size() : found->second;
}

// Brings the index up to the last items.
void IndexKeys(Dict* dict) {
  if (dict->items.size() <= kSmallDict) return;
  for (size_t i = dict->places.size(); i < dict->items.size(); ++i) {
    dict->places.emplace(KeyText(dict->items[i].first).value_or(""), i);
  }
}

absl::StatusOr<bool> LessLists(const List& a, const List& b) {
  for (size_t i = 0; i < std::min(a.items.size(), b.items.size()); ++i) {
    if (!Equal(a.items[i], b.items[i])) return Less(a.items[i], b.items[i]);
  }
  return a.items.size() < b.items.size();
}

}  // namespace

absl::StatusOr<Value> Value::OfJson(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return OfBool(json.get<bool>());
    case Json::value_t::number_integer:
      return OfInt(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() <= INT64_MAX) return OfInt(json.get<int64_t>());
      return absl::InvalidArgumentError(
          absl::StrCat("the integer ", json.get<uint64_t>(), " is above 2^63 - 1; write it as a text"));
    case Json::value_t::number_float:
      return OfFloat(json.get<double>());
    case Json::value_t::string:
      return OfText(ReplaceInvalidUtf8(json.get_ref<const std::string&>()));
    case Json::value_t::array: {
      List list;
      for (const Json& item : json) {
        ASSIGN_OR_RETURN(Value value, OfJson(item));
        list.items.push_back(std::move(value));
        list.depth = std::max(list.depth, list.items.back().Depth() + 1);
        list.deep_weight = AddWeights(list.deep_weight, list.items.back());
      }
      return Value(std::make_shared<const List>(std::move(list)));
    }
    case Json::value_t::object: {
      Dict dict;
      for (const auto& [key, item] : json.items()) {
        ASSIGN_OR_RETURN(Value value, OfJson(item));
        AppendItem(OfText(ReplaceInvalidUtf8(key)), std::move(value), &dict);
        dict.depth = std::max(dict.depth, dict.items.back().second.Depth() + 1);
      }
      IndexKeys(&dict);
      return Value(std::make_shared<const Dict>(std::move(dict)));
    }
    default:
      return OfNone();
  }
}

absl::StatusOr<Value> Value::OfList(std::vector<Value> items, bool is_tuple) {
  List list{std::move(items), is_tuple};
  for (const Value& item : list.items) {
    RETURN_IF_ERROR(RefuseInside(item));
    list.depth = std::max(list.depth, item.Depth() + 1);
    list.deep_weight = AddWeights(list.deep_weight, item);
  }
  RETURN_IF_ERROR(CheckInside(list.items.size(), list.depth));
  return Value(std::make_shared<const List>(std::move(list)));
}

absl::StatusOr<Value> Value::OfDict(std::vector<std::pair<Value, Value>> items) {
  Dict dict;
  for (auto& [key, value] : items) {
    RETURN_IF_ERROR(KeyText(key).status());
    RETURN_IF_ERROR(RefuseInside(value));
    dict.depth = std::max(dict.depth, value.Depth() + 1);
    const size_t place = PlaceOfKey(dict, key);
    if (place < dict.items.size()) {
      dict.deep_weight = std::min(dict.deep_weight + value.DeepWeight(), kMaxDeepWeight);
      dict.items[place].second = std::move(value);
    } else {
      AppendItem(std::move(key), std::move(value), &dict);
      IndexKeys(&dict);
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
  if (loop() != nullptr) return "loop";
  return function().self != nullptr ? "method" : "function";
}

int64_t Value::Weight() const {
  if (is_text()) return static_cast<int64_t>(text().size());
  if (list() != nullptr) return static_cast<int64_t>(list()->items.size()) * kMemberWeight;
  if (dict() != nullptr) return static_cast<int64_t>(dict()->items.size()) * 2 * kMemberWeight;
  return 1;
}

int64_t Value::DeepWeight() const {
  if (list() != nullptr) return list()->deep_weight;
  return dict() != nullptr ? dict()->deep_weight : Weight();
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
  if (a.is_text() && b.is_text()) return &a.text() == &b.text() || a.text() == b.text();
  if (a.is_none() || a.is_undefined()) return a.is_none() == b.is_none() && a.is_undefined() == b.is_undefined();
  if (a.list() != nullptr && b.list() != nullptr) {
    if (a.list() == b.list()) return true;
    return a.list()->is_tuple == b.list()->is_tuple &&
           std::equal(a.list()->items.begin(), a.list()->items.end(), b.list()->items.begin(), b.list()->items.end(),
                      Equal);
  }
  if (a.dict() != nullptr && b.dict() != nullptr) {
    if (a.dict() == b.dict()) return true;
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

// True and 1.0 are the key 1.
absl::StatusOr<std::string> KeyText(const Value& key) {
  if (key.is_text()) return absl::StrCat("t", key.text());
  if (key.is_none()) return std::string("n");
  if (key.is_undefined()) return std::string("u");
  if (key.is_integral()) return absl::StrCat("i", key.integer());
  if (key.is_float()) {
    const double number = key.number();
    const bool is_whole = std::abs(number) < 9e18 && number == std::floor(number);
    if (is_whole) return absl::StrCat("i", static_cast<int64_t>(number));
    std::string bits(sizeof(number), '\0');
    std::memcpy(bits.data(), &number, sizeof(number));
    return absl::StrCat("f", bits);
  }
  return absl::InvalidArgumentError(absl::StrCat("a ", key.TypeName(), " cannot be a key"));
}

const Value* FindKey(const Dict& dict, const Value& key) {
  const size_t place = PlaceOfKey(dict, key);
  return place < dict.items.size() ? &dict.items[place].second : nullptr;
}

const Value* FindKey(const Dict& dict, absl::string_view key) {
  if (!dict.places.empty()) return FindKey(dict, Value::OfText(key));
  for (const auto& [own, value] : dict.items) {
    if (own.is_text() && own.text() == key) return &value;
  }
  return nullptr;
}

int64_t IterationWeight(const Value& value) {
  constexpr int64_t kCharacterWeight = 64;
  return value.is_text() ? value.Weight() * kCharacterWeight : value.Weight();
}

int64_t PrintWeight(const Value& value) {
  constexpr int64_t kQuotedWeight = 8;
  return value.is_text() ? value.Weight() : value.DeepWeight() * kQuotedWeight;
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
