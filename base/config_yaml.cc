#include "base/config_yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <streambuf>

namespace plumb {
namespace {

// Builds a YamlValue from the parser's events. A refusal is thrown through the parser, which has no other way to stop.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(absl::string_view name) : name_(name) {}

  YamlValue TakeRoot() { return std::move(root_); }

  // Where an error lies. The parser has no mark for a list or map that never ends: then it is the place of its begin.
  std::string ErrorPlace(const YAML::Mark& mark) const {
    const bool no_mark = mark.line <= 0 && mark.column <= 0;
    if (no_mark && !stack_.empty()) return stack_.back().value.place;
    return absl::StrCat(name_, ":", std::max(mark.line, 0) + 1, ":", std::max(mark.column, 0) + 1);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Place(NewValue(mark, YamlValue::Kind::kNull)); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    throw YAML::ParserException(mark, "aliases (*name) are not supported; write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    // The parser marks plain scalars with "?" and quoted ones with "!".
    const bool quoted = tag == "!";
    if (!quoted) RefuseTag(mark, tag);
    YamlValue value = NewValue(mark, YamlValue::Kind::kScalar);
    value.text = text;
    value.quoted = quoted;
    Place(std::move(value));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    Open(mark, tag, YamlValue::Kind::kList);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    Open(mark, tag, YamlValue::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A list or map that is not complete yet.
  struct OpenValue {
    YamlValue value;
    YamlValue key;
    bool has_key = false;
  };

  static void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?") throw YAML::ParserException(mark, "tags are not supported: " + tag);
  }

  YamlValue NewValue(const YAML::Mark& mark, YamlValue::Kind kind) const {
    YamlValue value;
    value.kind = kind;
    value.place = absl::StrCat(name_, ":", mark.line + 1, ":", mark.column + 1);
    value.source = value.place;
    return value;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YamlValue::Kind kind) {
    RefuseTag(mark, tag);
    if (stack_.size() >= kMaxYamlDepth) {
      throw YAML::ParserException(mark, absl::StrCat("nested deeper than ", kMaxYamlDepth, " levels"));
    }
    if (!stack_.empty() && stack_.back().value.kind == YamlValue::Kind::kMap && !stack_.back().has_key) {
      throw YAML::ParserException(mark, "a key must be a word, not a list or map");
    }
    stack_.push_back({NewValue(mark, kind), YamlValue(), false});
  }

  void Close() {
    YamlValue value = std::move(stack_.back().value);
    stack_.pop_back();
    Place(std::move(value));
  }

  void Place(YamlValue value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    OpenValue& parent = stack_.back();
    if (parent.value.kind == YamlValue::Kind::kList) {
      parent.value.items.push_back(std::move(value));
    } else if (!parent.has_key) {
      parent.key = std::move(value);
      parent.has_key = true;
    } else {
      parent.value.entries.push_back({std::move(parent.key), std::move(value)});
      parent.has_key = false;
    }
  }

  const std::string name_;
  std::vector<OpenValue> stack_;
  YamlValue root_;
};

// Reads a text in place.
class TextBuffer : public std::streambuf {
 public:
  explicit TextBuffer(absl::string_view text) {
    char* begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

std::string YamlValue::Describe() const {
  switch (kind) {
    case Kind::kNull:
      return "no value";
    case Kind::kScalar:
      return quoted ? absl::StrCat("\"", text, "\"") : text;
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "";
}

absl::StatusOr<YamlValue> ParseYaml(absl::string_view text, absl::string_view name) {
  if (text.size() > kMaxYamlBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": ", text.size(), " bytes, expected at most ", kMaxYamlBytes));
  }
  TextBuffer buffer(text);
  std::istream stream(&buffer);
  TreeBuilder builder(name);
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    YamlValue root = builder.TakeRoot();
    TreeBuilder second(name);
    if (parser.HandleNextDocument(second)) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": a second document (---); expected one"));
    }
    if (root.place.empty()) root.place = root.source = absl::StrCat(name, ":1:1");
    return root;
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(builder.ErrorPlace(error.mark), ": ", error.msg));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", error.what()));
  }
}

}  // namespace plumb
