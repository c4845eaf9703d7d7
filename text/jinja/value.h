#ifndef PLUMB_TEXT_JINJA_VALUE_H_
#define PLUMB_TEXT_JINJA_VALUE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"

// Values of templates, with the meaning that Python and Jinja give them.
namespace plumb::jinja {

struct MacroNode;
class Value;

// What a template may make at most.
constexpr size_t kMaxTextBytes = size_t{32} << 20;
constexpr size_t kMaxListSize = size_t{1} << 20;
constexpr int kMaxValueDepth = 100;

struct Undefined {
  std::string what;  // why there is no value, for messages
};
struct None {};

struct List {
  std::vector<Value> items;
  bool is_tuple = false;
  int depth = 1;
  int64_t deep_weight = 0;  // of all that it holds, shared parts as often as they occur
};
struct Dict {
  std::vector<std::pair<Value, Value>> items;  // in the order of insertion
  int depth = 1;
  int64_t deep_weight = 0;
  absl::flat_hash_map<std::string, size_t> places;  // of keys by KeyText; empty in small dicts
};
// Made by namespace(): the one value that templates change. Stands in variables only, so that no cycles arise.
struct Namespace {
  absl::flat_hash_map<std::string, Value> fields;
};
// The variable `loop`.
struct Loop {
  std::vector<Value> items;
  size_t index = 0;
  int depth = 1;
  std::vector<Value> last_changed;
  bool changed_was_called = false;
};
struct Function {
  std::string name;                   // of a built-in function or a method
  const MacroNode* macro = nullptr;   // set: a macro
  std::shared_ptr<const Value> self;  // set: the method `name` of this value
};

// Copies share text, lists and dicts, which never change.
class Value {
 public:
  Value() : held_(Undefined{}) {}
  static Value OfUndefined(std::string what) { return Value(Undefined{std::move(what)}); }
  static Value OfNone() { return Value(None{}); }
  static Value OfBool(bool value) { return Value(value); }
  static Value OfInt(int64_t value) { return Value(value); }
  static Value OfFloat(double value) { return Value(value); }
  static Value OfText(std::string value) { return Value(std::make_shared<const std::string>(std::move(value))); }
  static Value OfText(absl::string_view value) { return OfText(std::string(value.data(), value.size())); }
  static Value OfText(const char* value) { return OfText(std::string(value)); }
  static Value OfNamespace() { return Value(std::make_shared<Namespace>()); }
  static Value OfLoop(std::shared_ptr<Loop> loop) { return Value(std::move(loop)); }
  static Value OfFunction(Function function) { return Value(std::move(function)); }
  // Errors: kInvalidArgument for an integer above 2^63 - 1, which would lose its last digits.
  static absl::StatusOr<Value> OfJson(const Json& json);
  // Errors: kResourceExhausted for sizes and depths over the limits; kInvalidArgument for a namespace inside.
  static absl::StatusOr<Value> OfList(std::vector<Value> items, bool is_tuple = false);
  static absl::StatusOr<Value> OfDict(std::vector<std::pair<Value, Value>> items);

  bool is_undefined() const { return std::holds_alternative<Undefined>(held_); }
  bool is_none() const { return std::holds_alternative<None>(held_); }
  bool is_bool() const { return std::holds_alternative<bool>(held_); }
  bool is_int() const { return std::holds_alternative<int64_t>(held_); }
  bool is_float() const { return std::holds_alternative<double>(held_); }
  bool is_integral() const { return is_int() || is_bool(); }
  bool is_number() const { return is_integral() || is_float(); }
  bool is_text() const { return std::holds_alternative<std::shared_ptr<const std::string>>(held_); }
  bool is_function() const { return std::holds_alternative<Function>(held_); }

  // Each is only for values of its kind; the pointers are null otherwise.
  int64_t integer() const { return is_bool() ? std::get<bool>(held_) : std::get<int64_t>(held_); }
  double number() const { return is_float() ? std::get<double>(held_) : static_cast<double>(integer()); }
  const std::string& text() const { return *std::get<std::shared_ptr<const std::string>>(held_); }
  const std::string& undefined_reason() const { return std::get<Undefined>(held_).what; }
  const Function& function() const { return std::get<Function>(held_); }
  const List* list() const { return Pointer<const List>(); }
  const Dict* dict() const { return Pointer<const Dict>(); }
  Namespace* name_space() const { return Pointer<Namespace>(); }
  Loop* loop() const { return Pointer<Loop>(); }

  bool Truth() const;
  // The Python name of the type, for messages.
  std::string TypeName() const;
  // About the bytes that the value itself takes: what an operation on it costs.
  int64_t Weight() const;
  // With all that it holds: what comparing it costs.
  int64_t DeepWeight() const;

 private:
  using Held = std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const std::string>,
                            std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<Namespace>,
                            std::shared_ptr<Loop>, Function>;
  explicit Value(Held held) : held_(std::move(held)) {}
  template <typename T>
  T* Pointer() const {
    const auto* pointer = std::get_if<std::shared_ptr<T>>(&held_);
    return pointer == nullptr ? nullptr : pointer->get();
  }
  int Depth() const;

  Held held_;
};

// A text unless it is larger than kMaxTextBytes: kResourceExhausted.
absl::StatusOr<Value> CheckedText(std::string text);
absl::Status TextTooLarge();

// Whether two values are equal as Python's ==.
bool Equal(const Value& a, const Value& b);
// a < b. Errors: kInvalidArgument where Python has no order.
absl::StatusOr<bool> Less(const Value& a, const Value& b);

// A text that is the same for equal keys of a dict and differs for others. Errors: kInvalidArgument for a value that
// cannot be a key, such as a list.
absl::StatusOr<std::string> KeyText(const Value& key);

// The value of a key; null where there is none.
const Value* FindKey(const Dict& dict, const Value& key);
const Value* FindKey(const Dict& dict, absl::string_view key);

// What a for loop goes over: items, keys, characters, nothing for undefined. Errors: kInvalidArgument;
// kResourceExhausted.
absl::StatusOr<std::vector<Value>> Iterate(const Value& value);

// What Iterate() has to be paid for, as Weight() is: each character of a text becomes a value.
int64_t IterationWeight(const Value& value);

// What ToText() and ToJsonText() have to be paid for: the characters of texts inside of lists and dicts are quoted.
int64_t PrintWeight(const Value& value);

// str() and repr(). Undefined is empty. Errors: kInvalidArgument for functions, namespaces and loops;
// kResourceExhausted.
absl::StatusOr<std::string> ToText(const Value& value);

struct JsonStyle {
  std::optional<std::string> indent;  // of each level; none: one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
  bool ascii_only = false;
};
// json.dumps(). Errors: kInvalidArgument for values that JSON lacks; kResourceExhausted.
absl::StatusOr<std::string> ToJsonText(const Value& value, const JsonStyle& style);

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_VALUE_H_
