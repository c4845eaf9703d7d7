#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "text/jinja/filters.h"
#include "text/jinja/operators.h"
#include "text/jinja/python_text.h"
#include "text/jinja/value_tests.h"

namespace plumb::jinja {
namespace {

using Result = absl::StatusOr<Value>;

// "a.b.0" goes down step by step.
Result DottedAttribute(Value value, const Value& path) {
  if (path.is_integral()) return Item(value, path);
  if (!path.is_text()) return absl::InvalidArgumentError(absl::StrCat("attribute of type ", path.TypeName()));
  for (const absl::string_view name : absl::StrSplit(path.text(), '.')) {
    int64_t index = 0;
    const Value key = absl::SimpleAtoi(name, &index) ? Value::OfInt(index) : Value::OfText(name);
    ASSIGN_OR_RETURN(value, Item(value, key));
  }
  return value;
}

// What sort, min, max and unique compare: the item or its attribute, texts without case unless asked.
Result SortKey(const Value& item, const Value* attribute, bool case_sensitive) {
  Value key = item;
  if (attribute != nullptr && !attribute->is_none()) {
    ASSIGN_OR_RETURN(key, DottedAttribute(item, *attribute));
  }
  return key.is_text() && !case_sensitive ? Value::OfText(ToLower(key.text())) : key;
}

using KeyedItems = std::vector<std::pair<Value, Value>>;

// A key is copied once, and compared about as often as its list can be halved.
constexpr int64_t kKeyReads = 20;
constexpr int64_t kCopiedWeight = 64;  // of handing a value on

absl::StatusOr<KeyedItems> WithKeys(const Value& value, const Value* attribute, bool case_sensitive,
                                    const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(value));
  KeyedItems keyed;
  for (const Value& item : items) {
    ASSIGN_OR_RETURN(Value key, SortKey(item, attribute, case_sensitive));
    RETURN_IF_ERROR(arguments.SpendBytes(key.DeepWeight() * kKeyReads));
    keyed.emplace_back(std::move(key), item);
  }
  return keyed;
}

// Stable. The order may fail for any pair; the first error is kept and returned.
absl::Status SortByKey(bool reverse, KeyedItems* keyed) {
  absl::Status status;
  const auto less = [&](const auto& a, const auto& b) {
    const absl::StatusOr<bool> result = reverse ? Less(b.first, a.first) : Less(a.first, b.first);
    if (!result.ok()) status.Update(result.status());
    return status.ok() && *result;
  };
  std::stable_sort(keyed->begin(), keyed->end(), less);
  return status;
}

Result ListOfItems(KeyedItems keyed) {
  std::vector<Value> items;
  for (auto& [key, item] : keyed) items.push_back(std::move(item));
  return Value::OfList(std::move(items));
}

Result Sort(const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(3, {"reverse", "case_sensitive", "attribute"}));
  ASSIGN_OR_RETURN(KeyedItems keyed, WithKeys(value, arguments.Find(2, "attribute"),
                                              arguments.Truth(1, "case_sensitive", false), arguments));
  RETURN_IF_ERROR(SortByKey(arguments.Truth(0, "reverse", false), &keyed));
  return ListOfItems(std::move(keyed));
}

template <bool kWantsMax>
Result Extreme(const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(KeyedItems keyed, WithKeys(value, arguments.Find(1, "attribute"),
                                              arguments.Truth(0, "case_sensitive", false), arguments));
  if (keyed.empty()) return Value::OfUndefined("no item, the sequence is empty");
  RETURN_IF_ERROR(SortByKey(kWantsMax, &keyed));
  return keyed.front().second;
}

Result Unique(const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const KeyedItems keyed, WithKeys(value, arguments.Find(1, "attribute"),
                                                    arguments.Truth(0, "case_sensitive", false), arguments));
  absl::flat_hash_set<std::string> seen;
  std::vector<Value> kept;
  for (const auto& [key, item] : keyed) {
    ASSIGN_OR_RETURN(std::string text, KeyText(key));
    if (seen.insert(std::move(text)).second) kept.push_back(item);
  }
  return Value::OfList(std::move(kept));
}

Result DictSort(const Value& value, const Arguments& arguments) {
  if (value.dict() == nullptr) return absl::InvalidArgumentError(absl::StrCat("dictsort of type ", value.TypeName()));
  ASSIGN_OR_RETURN(const std::string by, arguments.Text(1, "by", "key"));
  KeyedItems keyed;
  for (const auto& [key, item] : value.dict()->items) {
    ASSIGN_OR_RETURN(Value pair, Value::OfList({key, item}, /*is_tuple=*/true));
    RETURN_IF_ERROR(arguments.SpendBytes((by == "value" ? item : key).DeepWeight() * kKeyReads));
    ASSIGN_OR_RETURN(Value sort_key,
                     SortKey(by == "value" ? item : key, nullptr, arguments.Truth(0, "case_sensitive", false)));
    keyed.emplace_back(std::move(sort_key), std::move(pair));
  }
  RETURN_IF_ERROR(SortByKey(arguments.Truth(2, "reverse", false), &keyed));
  return ListOfItems(std::move(keyed));
}

Result Items(const Value& value, const Arguments&) {
  std::vector<Value> items;
  if (value.is_undefined()) return Value::OfList(std::move(items));
  if (value.dict() == nullptr) return absl::InvalidArgumentError(absl::StrCat("items of type ", value.TypeName()));
  for (const auto& [key, item] : value.dict()->items) {
    ASSIGN_OR_RETURN(Value pair, Value::OfList({key, item}, /*is_tuple=*/true));
    items.push_back(std::move(pair));
  }
  return Value::OfList(std::move(items));
}

Result ToList(const Value& value, const Arguments&) {
  ASSIGN_OR_RETURN(std::vector<Value> items, Iterate(value));
  return Value::OfList(std::move(items));
}

template <bool kWantsLast>
Result Edge(const Value& value, const Arguments&) {
  if (value.list() != nullptr && !value.list()->items.empty()) {
    return kWantsLast ? value.list()->items.back() : value.list()->items.front();
  }
  ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(value));
  if (items.empty()) return Value::OfUndefined("no item, the sequence is empty");
  return kWantsLast ? items.back() : items.front();
}

Result Reverse(const Value& value, const Arguments&) {
  const Value none = Value::OfNone();
  if (value.is_text()) return Slice(value, none, none, Value::OfInt(-1));
  ASSIGN_OR_RETURN(std::vector<Value> items, Iterate(value));
  std::reverse(items.begin(), items.end());
  return Value::OfList(std::move(items));
}

Result Join(const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(value));
  std::string separator;
  if (const Value* given = arguments.Find(0, "d"); given != nullptr) {
    ASSIGN_OR_RETURN(separator, ToText(*given));
  }
  const Value* attribute = arguments.Find(1, "attribute");
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    Value item = items[i];
    if (attribute != nullptr) {
      ASSIGN_OR_RETURN(item, DottedAttribute(item, *attribute));
    }
    RETURN_IF_ERROR(arguments.SpendBytes(PrintWeight(item)));
    ASSIGN_OR_RETURN(const std::string text, ToText(item));
    absl::StrAppend(&out, i == 0 ? "" : separator, text);
    if (out.size() > kMaxTextBytes) return TextTooLarge();
  }
  return Value::OfText(std::move(out));
}

Result Sum(const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(value));
  const Value* attribute = arguments.Find(0, "attribute");
  const Value* start = arguments.Find(1, "start");
  Value sum = start != nullptr ? *start : Value::OfInt(0);
  for (Value item : items) {
    if (attribute != nullptr && !attribute->is_none()) {
      ASSIGN_OR_RETURN(item, DottedAttribute(item, *attribute));
    }
    if (!sum.is_number()) return absl::InvalidArgumentError("sum of values that are no numbers");
    ASSIGN_OR_RETURN(sum, Binary("+", sum, item));
  }
  return sum;
}

// The arguments behind the first `count`.
Arguments Rest(const Arguments& arguments, size_t count) {
  Arguments rest;
  rest.budget = arguments.budget;
  for (size_t i = count; i < arguments.positional.size(); ++i) rest.positional.push_back(arguments.positional[i]);
  return rest;
}

Result MapOne(const Value& item, const Arguments& arguments) {
  if (const Value* attribute = arguments.Find(99, "attribute"); attribute != nullptr) {
    ASSIGN_OR_RETURN(Value mapped, DottedAttribute(item, *attribute));
    const Value* fallback = arguments.Find(99, "default");
    return mapped.is_undefined() && fallback != nullptr ? *fallback : mapped;
  }
  ASSIGN_OR_RETURN(const std::string name, arguments.Text(0, "filter"));
  const Filter filter = FindFilter(name);
  // map(map(map(...))) would nest without a limit of its own.
  if (filter == nullptr || name == "map") return absl::InvalidArgumentError(absl::StrCat("map by the filter ", name));
  RETURN_IF_ERROR(arguments.SpendBytes(item.DeepWeight()));
  const Arguments rest = Rest(arguments, 1);
  for (const Value& argument : rest.positional)
    RETURN_IF_ERROR(arguments.SpendBytes(kCopiedWeight + argument.Weight()));
  ASSIGN_OR_RETURN(Value mapped, filter(item, rest));
  RETURN_IF_ERROR(arguments.SpendBytes(mapped.Weight()));
  return mapped;
}

Result Map(const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(value));
  std::vector<Value> mapped;
  for (const Value& item : items) {
    ASSIGN_OR_RETURN(Value result, MapOne(item, arguments));
    mapped.push_back(std::move(result));
  }
  return Value::OfList(std::move(mapped));
}

// select, reject (the item is tested), selectattr, rejectattr (its attribute is).
template <bool kKeepsPassing, bool kByAttribute>
Result SelectBy(const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(value));
  constexpr size_t kName = kByAttribute ? 1 : 0;
  if (kByAttribute && arguments.positional.empty()) return absl::InvalidArgumentError("the attribute is missing");
  Test test = nullptr;
  if (arguments.positional.size() > kName) {
    ASSIGN_OR_RETURN(const std::string name, arguments.Text(kName, "test"));
    test = FindTest(name);
    if (test == nullptr) return absl::InvalidArgumentError(absl::StrCat("there is no test ", name));
  }
  std::vector<Value> kept;
  for (const Value& item : items) {
    Value tested = item;
    if (kByAttribute) {
      ASSIGN_OR_RETURN(tested, DottedAttribute(item, arguments.positional[0]));
    }
    bool passes = tested.Truth();
    if (test != nullptr) {
      const Arguments rest = Rest(arguments, kName + 1);
      RETURN_IF_ERROR(arguments.SpendBytes(rest.positional.empty() ? 0 : ComparisonWeight(tested, rest.positional[0])));
      ASSIGN_OR_RETURN(passes, test(tested, rest));
    }
    if (passes == kKeepsPassing) kept.push_back(item);
  }
  return Value::OfList(std::move(kept));
}

constexpr std::pair<absl::string_view, Filter> kListFilters[] = {
    {"sort", Sort},
    {"min", Extreme<false>},
    {"max", Extreme<true>},
    {"unique", Unique},
    {"dictsort", DictSort},
    {"items", Items},
    {"list", ToList},
    {"first", Edge<false>},
    {"last", Edge<true>},
    {"reverse", Reverse},
    {"join", Join},
    {"sum", Sum},
    {"map", Map},
    {"select", SelectBy<true, false>},
    {"reject", SelectBy<false, false>},
    {"selectattr", SelectBy<true, true>},
    {"rejectattr", SelectBy<false, true>},
};

}  // namespace

Filter FindListFilter(absl::string_view name) {
  for (const auto& [own, filter] : kListFilters) {
    if (own == name) return filter;
  }
  return nullptr;
}

}  // namespace plumb::jinja
