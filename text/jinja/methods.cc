#include "text/jinja/methods.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "text/jinja/filters.h"
#include "text/jinja/python_text.h"
#include "text/unicode.h"

namespace plumb::jinja {
namespace {

using Result = absl::StatusOr<Value>;
using Method = Result (*)(const Value& self, const Arguments& arguments);

constexpr int64_t kHashedWeight = 8;  // of a byte whose character is looked up in a set

template <bool kLeft, bool kRight>
Result Strip(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(1, {"chars"}));
  const Value* given = arguments.Find(0, "chars");
  std::optional<CodePointSet> chars;
  if (given != nullptr && !given->is_none()) {
    ASSIGN_OR_RETURN(const std::string text, arguments.Text(0, "chars"));
    RETURN_IF_ERROR(arguments.SpendBytes(static_cast<int64_t>(text.size()) * kHashedWeight));
    chars = CodePointsOf(text);
  }
  absl::string_view text = self.text();
  if (kLeft) text = StripLeft(text, chars ? &*chars : nullptr);
  if (kRight) text = StripRight(text, chars ? &*chars : nullptr);
  return Value::OfText(text);
}

Result ListOfTexts(const std::vector<absl::string_view>& parts) {
  std::vector<Value> items;
  for (const absl::string_view part : parts) items.push_back(Value::OfText(part));
  return Value::OfList(std::move(items));
}

std::vector<absl::string_view> SplitAtSpace(absl::string_view text, int64_t max_splits) {
  std::vector<absl::string_view> parts;
  text = StripLeft(text);
  while (!text.empty()) {
    if (static_cast<int64_t>(parts.size()) == max_splits) {
      parts.push_back(text);
      break;
    }
    size_t end = 0;
    while (end < text.size() && !IsPythonSpace(ReadCodePoint(text, end).value)) end += ReadCodePoint(text, end).length;
    parts.push_back(text.substr(0, end));
    text = StripLeft(text.substr(end));
  }
  return parts;
}

std::vector<absl::string_view> SplitFromLeft(absl::string_view text, absl::string_view separator, int64_t max_splits) {
  std::vector<absl::string_view> parts;
  size_t begin = 0;
  while (static_cast<int64_t>(parts.size()) != max_splits) {
    const size_t found = FindText(text, separator, begin);
    if (found == absl::string_view::npos) break;
    parts.push_back(text.substr(begin, found - begin));
    begin = found + separator.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

// Splits the mirrored text from the left: searching from the right has no linear function.
std::vector<absl::string_view> SplitFromRight(absl::string_view text, absl::string_view separator, int64_t max_splits) {
  const std::string mirrored(text.rbegin(), text.rend());
  const std::string mirrored_separator(separator.rbegin(), separator.rend());
  std::vector<absl::string_view> parts;
  size_t end = text.size();
  for (const absl::string_view part : SplitFromLeft(mirrored, mirrored_separator, max_splits)) {
    parts.push_back(text.substr(end - part.size(), part.size()));
    end -= std::min(end, part.size() + separator.size());
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<absl::string_view> SplitAtSpaceFromRight(absl::string_view text, int64_t max_splits) {
  std::vector<absl::string_view> parts;
  text = StripRight(text);
  while (!text.empty()) {
    if (static_cast<int64_t>(parts.size()) == max_splits) {
      parts.push_back(text);
      break;
    }
    size_t begin = text.size();
    while (begin > 0) {
      size_t previous = begin - 1;
      while (previous > 0 && (static_cast<uint8_t>(text[previous]) & 0xC0) == 0x80) --previous;
      if (IsPythonSpace(ReadCodePoint(text, previous).value)) break;
      begin = previous;
    }
    parts.push_back(text.substr(begin));
    text = StripRight(text.substr(0, begin));
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

template <bool kFromRight>
Result Split(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(2, {"sep", "maxsplit"}));
  ASSIGN_OR_RETURN(const int64_t max_splits, arguments.Int(1, "maxsplit", -1));
  const Value* given = arguments.Find(0, "sep");
  if (given == nullptr || given->is_none()) {
    return ListOfTexts(kFromRight ? SplitAtSpaceFromRight(self.text(), max_splits)
                                  : SplitAtSpace(self.text(), max_splits));
  }
  ASSIGN_OR_RETURN(const std::string separator, arguments.Text(0, "sep"));
  if (separator.empty()) return absl::InvalidArgumentError("split: empty separator");
  return ListOfTexts(kFromRight ? SplitFromRight(self.text(), separator, max_splits)
                                : SplitFromLeft(self.text(), separator, max_splits));
}

Result Lines(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(0, {}));
  return ListOfTexts(SplitLines(self.text()));
}

template <bool kAtStart>
Result HasAffix(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(1, {}));
  if (arguments.positional.empty()) return absl::InvalidArgumentError("the text to look for is missing");
  const Value& given = arguments.positional[0];
  const bool is_tuple = given.list() != nullptr && given.list()->is_tuple;
  for (const Value& affix : is_tuple ? given.list()->items : std::vector<Value>{given}) {
    if (!affix.is_text()) return absl::InvalidArgumentError(absl::StrCat("looked for a ", affix.TypeName()));
    if (kAtStart ? absl::StartsWith(self.text(), affix.text()) : absl::EndsWith(self.text(), affix.text())) {
      return Value::OfBool(true);
    }
  }
  return Value::OfBool(false);
}

template <bool kAtStart>
Result RemoveAffix(const Value& self, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string affix, arguments.Text(0, "affix"));
  ASSIGN_OR_RETURN(const Value has, HasAffix<kAtStart>(self, arguments));
  absl::string_view text = self.text();
  if (has.Truth()) text = kAtStart ? text.substr(affix.size()) : text.substr(0, text.size() - affix.size());
  return Value::OfText(text);
}

Result Replace(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(3, {"count"}));
  ASSIGN_OR_RETURN(const std::string old_text, arguments.Text(0, "old"));
  ASSIGN_OR_RETURN(const std::string new_text, arguments.Text(1, "new"));
  ASSIGN_OR_RETURN(const int64_t count, arguments.Int(2, "count", -1));
  if (old_text.empty()) return absl::InvalidArgumentError("replace: the text to replace is empty");
  std::string out;
  const std::string& text = self.text();
  size_t at = 0;
  for (int64_t done = 0; done != count; ++done) {
    const size_t found = FindText(text, old_text, at);
    if (found == absl::string_view::npos) break;
    out.append(text, at, found - at);
    out += new_text;
    at = found + old_text.size();
    if (out.size() > kMaxTextBytes) return TextTooLarge();
  }
  out.append(text, at, std::string::npos);
  return CheckedText(std::move(out));
}

Result Upper(const Value& self, const Arguments&) { return Value::OfText(ToUpper(self.text())); }
Result Lower(const Value& self, const Arguments&) { return Value::OfText(ToLower(self.text())); }
Result Title(const Value& self, const Arguments&) { return Value::OfText(ToTitle(self.text(), /*every_word=*/true)); }
Result Capitalize(const Value& self, const Arguments&) { return Value::OfText(ToTitle(self.text(), false)); }

Result JoinItems(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(1, {}));
  if (arguments.positional.empty()) return absl::InvalidArgumentError("join: the list is missing");
  RETURN_IF_ERROR(arguments.SpendBytes(IterationWeight(arguments.positional[0])));
  ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(arguments.positional[0]));
  for (const Value& item : items) {
    if (!item.is_text()) return absl::InvalidArgumentError(absl::StrCat("join of a value of type ", item.TypeName()));
  }
  return FindListFilter("join")(arguments.positional[0], Arguments{{self}, {}, arguments.budget});
}

// In code points; -1 where it is not found.
template <bool kFromRight>
Result Find(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(1, {}));
  ASSIGN_OR_RETURN(const std::string wanted, arguments.Text(0, "sub"));
  const absl::string_view text = self.text();
  size_t found = FindText(text, wanted);
  if (found == absl::string_view::npos) return Value::OfInt(-1);
  if (kFromRight) found = wanted.empty() ? text.size() : SplitFromRight(text, wanted, 1)[0].size();
  return Value::OfInt(static_cast<int64_t>(CodePoints(text.substr(0, found)).size()));
}

Result Count(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(1, {}));
  ASSIGN_OR_RETURN(const std::string wanted, arguments.Text(0, "sub"));
  if (wanted.empty()) return absl::InvalidArgumentError("count: the text to count is empty");
  return Value::OfInt(static_cast<int64_t>(SplitFromLeft(self.text(), wanted, -1).size()) - 1);
}

// str.isupper and islower: a cased letter, and none of the other case.
template <bool kUpper>
Result IsInCase(const Value& self, const Arguments&) {
  const std::string& text = self.text();
  const std::string same = kUpper ? ToUpper(text) : ToLower(text);
  const std::string other = kUpper ? ToLower(text) : ToUpper(text);
  return Value::OfBool(same == text && other != text);
}

template <bool (*kBelongs)(int32_t)>
Result AllAre(const Value& self, const Arguments&) {
  const std::vector<int32_t> points = CodePoints(self.text());
  return Value::OfBool(!points.empty() && std::all_of(points.begin(), points.end(), kBelongs));
}

bool IsDigit(int32_t point) {
  const bool is_raised = point == 0xB2 || point == 0xB3 || point == 0xB9 || point == 0x2070 ||
                         (point >= 0x2074 && point <= 0x2079) || (point >= 0x2080 && point <= 0x2089);
  return is_raised || IsDecimal(point);
}
bool IsNumber(int32_t point) { return IsNumeric(point); }

Result DictItems(const Value& self, const Arguments& arguments) { return FindListFilter("items")(self, arguments); }

Result Keys(const Value& self, const Arguments& arguments) { return FindListFilter("list")(self, arguments); }

Result Values(const Value& self, const Arguments&) {
  std::vector<Value> values;
  for (const auto& [key, value] : self.dict()->items) values.push_back(value);
  return Value::OfList(std::move(values));
}

Result Get(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(2, {}));
  if (arguments.positional.empty()) return absl::InvalidArgumentError("get: the key is missing");
  const Value* found = FindKey(*self.dict(), arguments.positional[0]);
  if (found != nullptr) return *found;
  return arguments.positional.size() > 1 ? arguments.positional[1] : Value::OfNone();
}

Result Copy(const Value& self, const Arguments&) { return self; }

Result ListIndex(const Value& self, const Arguments& arguments) {
  if (arguments.positional.empty()) return absl::InvalidArgumentError("index: the item is missing");
  const std::vector<Value>& items = self.list()->items;
  for (size_t i = 0; i < items.size(); ++i) {
    if (Equal(items[i], arguments.positional[0])) return Value::OfInt(static_cast<int64_t>(i));
  }
  return absl::InvalidArgumentError("index: the item is not in the list");
}

Result ListCount(const Value& self, const Arguments& arguments) {
  if (arguments.positional.empty()) return absl::InvalidArgumentError("count: the item is missing");
  const std::vector<Value>& items = self.list()->items;
  return Value::OfInt(std::count_if(items.begin(), items.end(),
                                    [&](const Value& item) { return Equal(item, arguments.positional[0]); }));
}

using Entry = std::pair<absl::string_view, Method>;
constexpr Entry kTextMethods[] = {
    {"strip", Strip<true, true>},
    {"lstrip", Strip<true, false>},
    {"rstrip", Strip<false, true>},
    {"split", Split<false>},
    {"rsplit", Split<true>},
    {"splitlines", Lines},
    {"startswith", HasAffix<true>},
    {"endswith", HasAffix<false>},
    {"removeprefix", RemoveAffix<true>},
    {"removesuffix", RemoveAffix<false>},
    {"replace", Replace},
    {"upper", Upper},
    {"lower", Lower},
    {"title", Title},
    {"capitalize", Capitalize},
    {"join", JoinItems},
    {"find", Find<false>},
    {"rfind", Find<true>},
    {"count", Count},
    {"isupper", IsInCase<true>},
    {"islower", IsInCase<false>},
    {"isdigit", AllAre<IsDigit>},
    {"isalpha", AllAre<IsAlphabetic>},
    {"isalnum", AllAre<IsAlphanumeric>},
    {"isnumeric", AllAre<IsNumber>},
    {"isspace", AllAre<IsPythonSpace>},
};
constexpr Entry kDictMethods[] = {
    {"items", DictItems}, {"keys", Keys}, {"values", Values}, {"get", Get}, {"copy", Copy},
};
constexpr Entry kListMethods[] = {{"index", ListIndex}, {"count", ListCount}, {"copy", Copy}};

template <size_t kSize>
Method FindIn(const Entry (&entries)[kSize], absl::string_view name) {
  for (const auto& [own, method] : entries) {
    if (own == name) return method;
  }
  return nullptr;
}

Method FindMethod(const Value& value, absl::string_view name) {
  if (value.is_text()) return FindIn(kTextMethods, name);
  if (value.dict() != nullptr) return FindIn(kDictMethods, name);
  return value.list() != nullptr ? FindIn(kListMethods, name) : nullptr;
}

}  // namespace

bool HasMethod(const Value& value, absl::string_view name) { return FindMethod(value, name) != nullptr; }

absl::StatusOr<Value> CallMethod(const Value& value, absl::string_view name, const Arguments& arguments) {
  const Method method = FindMethod(value, name);
  if (method == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("a value of type ", value.TypeName(), " has no method ", name));
  }
  return method(value, arguments);
}

}  // namespace plumb::jinja
