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

template <bool kLeft, bool kRight>
Result Strip(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(1, {"chars"}));
  const Value* given = arguments.Find(0, "chars");
  std::optional<std::vector<int32_t>> chars;
  if (given != nullptr && !given->is_none()) {
    ASSIGN_OR_RETURN(const std::string text, arguments.Text(0, "chars"));
    chars = CodePoints(text);
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
      parts.push_back(StripRight(text));
      break;
    }
    size_t end = 0;
    while (end < text.size() && !IsPythonSpace(ReadCodePoint(text, end).value)) end += ReadCodePoint(text, end).length;
    parts.push_back(text.substr(0, end));
    text = StripLeft(text.substr(end));
  }
  return parts;
}

std::vector<absl::string_view> SplitFromRight(absl::string_view text, absl::string_view separator, int64_t max_splits) {
  std::vector<absl::string_view> parts;
  while (static_cast<int64_t>(parts.size()) != max_splits) {
    const size_t found = text.rfind(separator);
    if (found == absl::string_view::npos) break;
    parts.push_back(text.substr(found + separator.size()));
    text = text.substr(0, found);
  }
  parts.push_back(text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<absl::string_view> SplitFromLeft(absl::string_view text, absl::string_view separator, int64_t max_splits) {
  std::vector<absl::string_view> parts;
  while (static_cast<int64_t>(parts.size()) != max_splits) {
    const size_t found = text.find(separator);
    if (found == absl::string_view::npos) break;
    parts.push_back(text.substr(0, found));
    text = text.substr(found + separator.size());
  }
  parts.push_back(text);
  return parts;
}

template <bool kFromRight>
Result Split(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(2, {"sep", "maxsplit"}));
  ASSIGN_OR_RETURN(const int64_t max_splits, arguments.Int(1, "maxsplit", -1));
  const Value* given = arguments.Find(0, "sep");
  if (given == nullptr || given->is_none()) {
    if (kFromRight && max_splits >= 0) return absl::InvalidArgumentError("rsplit at white space with a limit");
    return ListOfTexts(SplitAtSpace(self.text(), max_splits));
  }
  ASSIGN_OR_RETURN(const std::string separator, arguments.Text(0, "sep"));
  if (separator.empty()) return absl::InvalidArgumentError("split: empty separator");
  return ListOfTexts(kFromRight ? SplitFromRight(self.text(), separator, max_splits)
                                : SplitFromLeft(self.text(), separator, max_splits));
}

Result SplitLines(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(0, {}));
  std::vector<absl::string_view> lines = SplitFromLeft(self.text(), "\n", -1);
  if (lines.back().empty()) lines.pop_back();
  for (absl::string_view& line : lines) {
    if (absl::EndsWith(line, "\r")) line.remove_suffix(1);
  }
  return ListOfTexts(lines);
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
    const size_t found = text.find(old_text, at);
    if (found == std::string::npos) break;
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
  ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(arguments.positional[0]));
  for (const Value& item : items) {
    if (!item.is_text()) return absl::InvalidArgumentError(absl::StrCat("join of a value of type ", item.TypeName()));
  }
  return FindListFilter("join")(arguments.positional[0], Arguments{{self}, {}});
}

// In code points; -1 where it is not found.
template <bool kFromRight>
Result Find(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(1, {}));
  ASSIGN_OR_RETURN(const std::string wanted, arguments.Text(0, "sub"));
  const size_t found = kFromRight ? self.text().rfind(wanted) : self.text().find(wanted);
  if (found == std::string::npos) return Value::OfInt(-1);
  return Value::OfInt(static_cast<int64_t>(CodePoints(absl::string_view(self.text()).substr(0, found)).size()));
}

Result Count(const Value& self, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(1, {}));
  ASSIGN_OR_RETURN(const std::string wanted, arguments.Text(0, "sub"));
  if (wanted.empty()) return absl::InvalidArgumentError("count: the text to count is empty");
  return Value::OfInt(static_cast<int64_t>(SplitFromLeft(self.text(), wanted, -1).size()) - 1);
}

template <bool (*kBelongs)(int32_t)>
Result AllAre(const Value& self, const Arguments&) {
  const std::vector<int32_t> points = CodePoints(self.text());
  return Value::OfBool(!points.empty() && std::all_of(points.begin(), points.end(), kBelongs));
}

bool IsAsciiDigit(int32_t point) { return point >= '0' && point <= '9'; }
bool IsLetter(int32_t point) { return IsWordPart(point) && !IsNumeric(point) && point != '_'; }
bool IsLetterOrNumber(int32_t point) { return IsLetter(point) || IsNumeric(point); }

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
    {"splitlines", SplitLines},
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
    {"isdigit", AllAre<IsAsciiDigit>},
    {"isalpha", AllAre<IsLetter>},
    {"isalnum", AllAre<IsLetterOrNumber>},
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
