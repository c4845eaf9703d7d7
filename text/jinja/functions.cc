#include "text/jinja/functions.h"

#include <algorithm>
#include <ctime>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "text/unicode.h"

namespace plumb::jinja {
namespace {

using Result = absl::StatusOr<Value>;

Result Range(const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(3, {}));
  const size_t count = arguments.positional.size();
  if (count == 0) return absl::InvalidArgumentError("range: no arguments");
  ASSIGN_OR_RETURN(const int64_t first, arguments.Int(0, "start", 0));
  ASSIGN_OR_RETURN(const int64_t second, arguments.Int(1, "stop", 0));
  ASSIGN_OR_RETURN(const int64_t step, arguments.Int(2, "step", 1));
  if (step == 0) return absl::InvalidArgumentError("range: the step is zero");
  const int64_t stop = count == 1 ? first : second;
  std::vector<Value> items;
  for (int64_t i = count == 1 ? 0 : first; step > 0 ? i < stop : i > stop;) {
    items.push_back(Value::OfInt(i));
    if (items.size() > kMaxListSize || __builtin_add_overflow(i, step, &i)) break;
  }
  return Value::OfList(std::move(items));
}

Result MakeNamespace(const Arguments& arguments) {
  Value result = Value::OfNamespace();
  auto& fields = result.name_space()->fields;
  for (const Value& value : arguments.positional) {
    if (value.dict() == nullptr) return absl::InvalidArgumentError("namespace: expected a dict or named arguments");
    for (const auto& [key, item] : value.dict()->items) {
      if (key.is_text()) fields.insert_or_assign(key.text(), item);
    }
  }
  for (const auto& [name, value] : arguments.named) {
    if (value.name_space() != nullptr || value.loop() != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("a ", value.TypeName(), " inside of a namespace"));
    }
    fields.insert_or_assign(name, value);
  }
  return result;
}

Result MakeDict(const Arguments& arguments) {
  std::vector<std::pair<Value, Value>> items;
  for (const Value& value : arguments.positional) {
    if (value.dict() == nullptr) return absl::InvalidArgumentError("dict: expected a dict or named arguments");
    items.insert(items.end(), value.dict()->items.begin(), value.dict()->items.end());
  }
  for (const auto& [name, value] : arguments.named) items.emplace_back(Value::OfText(name), value);
  return Value::OfDict(std::move(items));
}

Result RaiseException(const Arguments& arguments) {
  const Value* message = arguments.Find(0, "message");
  if (message == nullptr) return absl::InvalidArgumentError("raise_exception without a message");
  ASSIGN_OR_RETURN(const std::string text, ToText(*message));
  return absl::InvalidArgumentError(text);
}

// The local time, as Python's datetime.now().strftime.
Result StrftimeNow(const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string format, arguments.Text(0, "format"));
  if (format.size() > 1000) return absl::InvalidArgumentError("strftime_now: a format of more than 1000 bytes");
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::string out(format.size() * 16 + 64, '\0');
  out.resize(std::strftime(out.data(), out.size(), format.c_str(), &local));
  return Value::OfText(ReplaceInvalidUtf8(out));
}

using Builtin = Result (*)(const Arguments& arguments);
constexpr std::pair<absl::string_view, Builtin> kFunctions[] = {
    {"range", Range},
    {"namespace", MakeNamespace},
    {"dict", MakeDict},
    {"raise_exception", RaiseException},
    {"strftime_now", StrftimeNow},
};

Builtin FindFunction(absl::string_view name) {
  for (const auto& [own, function] : kFunctions) {
    if (own == name) return function;
  }
  return nullptr;
}

}  // namespace

bool IsFunction(absl::string_view name) { return FindFunction(name) != nullptr; }

absl::StatusOr<Value> CallFunction(absl::string_view name, const Arguments& arguments) {
  const Builtin function = FindFunction(name);
  if (function == nullptr) return absl::InvalidArgumentError(absl::StrCat("there is no function ", name));
  return function(arguments);
}

absl::StatusOr<Value> CallLoopMethod(Loop& loop, absl::string_view name, const Arguments& arguments) {
  const std::vector<Value>& values = arguments.positional;
  if (name == "cycle") {
    if (values.empty()) return absl::InvalidArgumentError("loop.cycle: no values");
    return values[loop.index % values.size()];
  }
  if (name == "changed") {
    const bool same = loop.changed_was_called && std::equal(values.begin(), values.end(), loop.last_changed.begin(),
                                                            loop.last_changed.end(), Equal);
    for (const Value& value : values) {
      if (value.loop() != nullptr) return absl::InvalidArgumentError("loop.changed of a loop");
    }
    loop.changed_was_called = true;
    loop.last_changed = values;
    return Value::OfBool(!same);
  }
  return absl::InvalidArgumentError(absl::StrCat("loop has no method ", name));
}

}  // namespace plumb::jinja
