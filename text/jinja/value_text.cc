#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "text/jinja/python_text.h"
#include "text/jinja/value.h"
#include "text/unicode.h"

namespace plumb::jinja {
namespace {

// Sharing lets a small value print very long, hence the check at each step.
absl::Status AppendRepr(const Value& value, std::string* out);

template <typename Items, typename Append>
absl::Status AppendJoined(const Items& items, const Append& append, std::string* out) {
  bool first = true;
  for (const auto& item : items) {
    if (!first) *out += ", ";
    first = false;
    RETURN_IF_ERROR(append(item));
    if (out->size() > kMaxTextBytes) return TextTooLarge();
  }
  return absl::OkStatus();
}

absl::Status AppendRepr(const Value& value, std::string* out) {
  if (value.is_text()) {
    *out += ReprText(value.text());
  } else if (const List* list = value.list(); list != nullptr) {
    *out += list->is_tuple ? "(" : "[";
    RETURN_IF_ERROR(AppendJoined(
        list->items, [&](const Value& item) { return AppendRepr(item, out); }, out));
    *out += list->is_tuple ? (list->items.size() == 1 ? ",)" : ")") : "]";
  } else if (const Dict* dict = value.dict(); dict != nullptr) {
    *out += "{";
    const auto append = [&](const auto& item) -> absl::Status {
      RETURN_IF_ERROR(AppendRepr(item.first, out));
      *out += ": ";
      return AppendRepr(item.second, out);
    };
    RETURN_IF_ERROR(AppendJoined(dict->items, append, out));
    *out += "}";
  } else {
    ASSIGN_OR_RETURN(const std::string text, ToText(value));
    *out += value.is_undefined() ? "Undefined" : text;
  }
  return absl::OkStatus();
}

std::string JsonString(absl::string_view text, bool ascii_only) {
  std::string out = "\"";
  constexpr absl::string_view kFrom = "\"\\\n\r\t\b\f";
  constexpr absl::string_view kTo = "\"\\nrtbf";
  for (const int32_t point : CodePoints(text)) {
    const size_t simple = point < 0x80 ? kFrom.find(static_cast<char>(point)) : absl::string_view::npos;
    if (simple != absl::string_view::npos) {
      out += {'\\', kTo[simple]};
    } else if (point >= 0x10000 && ascii_only) {
      const int32_t rest = point - 0x10000;
      absl::StrAppendFormat(&out, "\\u%04x\\u%04x", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
    } else if (point < 0x20 || (point > 0x7F && ascii_only)) {
      absl::StrAppendFormat(&out, "\\u%04x", point);
    } else {
      AppendUtf8(point, &out);
    }
  }
  return out + "\"";
}

class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  absl::Status Write(const Value& value, int level) {
    if (out_.size() > kMaxTextBytes) return TextTooLarge();
    if (value.is_none()) {
      out_ += "null";
    } else if (value.is_bool()) {
      out_ += value.Truth() ? "true" : "false";
    } else if (value.is_int()) {
      absl::StrAppend(&out_, value.integer());
    } else if (value.is_float()) {
      const std::string text = ReprFloat(value.number());
      out_ += text == "nan" ? "NaN" : text == "inf" ? "Infinity" : text == "-inf" ? "-Infinity" : text;
    } else if (value.is_text()) {
      out_ += JsonString(value.text(), style_.ascii_only);
    } else if (value.list() != nullptr) {
      return WriteList(*value.list(), level);
    } else if (value.dict() != nullptr) {
      return WriteDict(*value.dict(), level);
    } else {
      return absl::InvalidArgumentError(absl::StrCat("a value of type ", value.TypeName(), " has no JSON form"));
    }
    return absl::OkStatus();
  }

  std::string Take() { return std::move(out_); }

 private:
  void Separate(bool first, int level) {
    if (!first) out_ += style_.item_separator;
    NewLine(level + 1);
  }
  void NewLine(int level) {
    if (!style_.indent.has_value()) return;
    out_ += "\n";
    for (int i = 0; i < level; ++i) out_ += *style_.indent;
  }

  absl::Status WriteList(const List& list, int level) {
    out_ += "[";
    for (size_t i = 0; i < list.items.size(); ++i) {
      Separate(i == 0, level);
      RETURN_IF_ERROR(Write(list.items[i], level + 1));
    }
    if (!list.items.empty()) NewLine(level);
    out_ += "]";
    return absl::OkStatus();
  }

  // json.dumps() turns keys that are no texts into some.
  static absl::StatusOr<std::string> KeyOfJson(const Value& key) {
    if (key.is_text()) return key.text();
    if (key.is_none()) return std::string("null");
    if (key.is_bool()) return std::string(key.Truth() ? "true" : "false");
    if (key.is_int()) return absl::StrCat(key.integer());
    if (key.is_float()) return ReprFloat(key.number());
    return absl::InvalidArgumentError(absl::StrCat("a key of type ", key.TypeName(), " has no JSON form"));
  }

  absl::Status WriteDict(const Dict& dict, int level) {
    auto items = dict.items;
    if (style_.sort_keys) {
      const bool texts = std::all_of(items.begin(), items.end(), [](const auto& item) { return item.first.is_text(); });
      if (!texts) return absl::InvalidArgumentError("tojson: sort_keys of keys that are not all texts");
      std::sort(items.begin(), items.end(),
                [](const auto& a, const auto& b) { return a.first.text() < b.first.text(); });
    }
    out_ += "{";
    for (size_t i = 0; i < items.size(); ++i) {
      Separate(i == 0, level);
      ASSIGN_OR_RETURN(const std::string key, KeyOfJson(items[i].first));
      absl::StrAppend(&out_, JsonString(key, style_.ascii_only), style_.key_separator);
      RETURN_IF_ERROR(Write(items[i].second, level + 1));
    }
    if (!items.empty()) NewLine(level);
    out_ += "}";
    return absl::OkStatus();
  }

  const JsonStyle style_;
  std::string out_;
};

}  // namespace

absl::StatusOr<std::string> ToText(const Value& value) {
  if (value.is_text()) return value.text();
  if (value.is_undefined()) return std::string();
  if (value.is_none()) return std::string("None");
  if (value.is_bool()) return std::string(value.Truth() ? "True" : "False");
  if (value.is_int()) return absl::StrCat(value.integer());
  if (value.is_float()) return ReprFloat(value.number());
  std::string text;
  if (value.list() == nullptr && value.dict() == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("a value of type ", value.TypeName(), " has no text form"));
  }
  RETURN_IF_ERROR(AppendRepr(value, &text));
  return text;
}

absl::StatusOr<std::string> ToJsonText(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  RETURN_IF_ERROR(writer.Write(value, 0));
  return writer.Take();
}

}  // namespace plumb::jinja
