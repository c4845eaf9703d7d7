#include "tools/option_set.h"

#include <CLI/CLI.hpp>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/config_suggestion.h"

namespace plumb::cli {
namespace {

constexpr size_t kHelpWidth = 110;
constexpr size_t kLabelWidth = 32;

std::string RangeProblem(double number, const std::string& text, const Range& range) {
  if (range.above_min && number <= range.min) {
    return absl::StrCat(text, " is not more than ", range.min, range.below_hint);
  }
  if (number < range.min) return absl::StrCat(text, " is less than ", range.min, range.below_hint);
  if (number > range.max) return absl::StrCat(text, " is more than ", range.max);
  return "";
}

}  // namespace

struct OptionSet::Declaration {
  std::string name;
  std::string value_name;  // empty: a flag
  std::string help;
  std::string default_text;
  bool required = false;
  CLI::Option* option = nullptr;
  std::string text;  // as given
  // Reads `text` into the variable; returns what is wrong with it.
  std::function<std::string(const std::string& text)> read;
};

OptionSet::OptionSet(CLI::App& app) : app_(app) {}
OptionSet::~OptionSet() = default;

OptionSet::Declaration& OptionSet::Declare(const std::string& name, const std::string& value_name,
                                           const std::string& help) {
  declarations_.push_back(std::make_unique<Declaration>());
  Declaration& declaration = *declarations_.back();
  declaration.name = name;
  declaration.value_name = value_name;
  declaration.help = help;
  return declaration;
}

void OptionSet::Text(const std::string& name, const std::string& value_name, std::string& value,
                     const std::string& help) {
  Declaration& declaration = Declare(name, value_name, help);
  declaration.default_text = value;
  declaration.option = app_.add_option(name, declaration.text);
  declaration.read = [&value](const std::string& text) {
    value = text;
    return std::string();
  };
}

void OptionSet::Required(const std::string& name, const std::string& value_name, std::string& value,
                         const std::string& help) {
  Text(name, value_name, value, help);
  declarations_.back()->required = true;
}

void OptionSet::Argument(const std::string& value_name, std::string& value, const std::string& help) {
  Declaration& declaration = Declare(value_name, value_name, help);
  declaration.required = true;
  declaration.option = app_.add_option(value_name, declaration.text);
  declaration.read = [&value](const std::string& text) {
    value = text;
    return std::string();
  };
}

void OptionSet::Choice(const std::string& name, const std::vector<std::string>& choices, std::string& value,
                       const std::string& help) {
  Text(name, absl::StrJoin(choices, "|"), value, help);
  declarations_.back()->read = [&value, choices](const std::string& text) -> std::string {
    value = text;
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return "";
    return absl::StrCat("\"", text, "\" is not one of ", absl::StrJoin(choices, ", "), DidYouMean(text, choices));
  };
}

void OptionSet::Whole(const std::string& name, const Range& range, int64_t& value, const std::string& help) {
  Declaration& declaration = Declare(name, "N", help);
  declaration.default_text = absl::StrCat(value);
  declaration.option = app_.add_option(name, declaration.text);
  declaration.read = [&value, range](const std::string& text) -> std::string {
    if (!absl::SimpleAtoi(text, &value)) return absl::StrCat("expected a whole number, found ", text);
    return RangeProblem(static_cast<double>(value), text, range);
  };
}

void OptionSet::Number(const std::string& name, const Range& range, double& value, const std::string& help) {
  Declaration& declaration = Declare(name, "X", help);
  declaration.default_text = absl::StrCat(value);
  declaration.option = app_.add_option(name, declaration.text);
  declaration.read = [&value, range](const std::string& text) -> std::string {
    if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) {
      return absl::StrCat("expected a number, found ", text);
    }
    return RangeProblem(value, text, range);
  };
}

void OptionSet::Flag(const std::string& name, bool& value, const std::string& help) {
  Declaration& declaration = Declare(name, "", help);
  declaration.option = app_.add_flag(name, value);
}

void OptionSet::List(const std::string& name, const std::string& value_name, std::vector<std::string>& values,
                     const std::string& help) {
  Declaration& declaration = Declare(name, value_name, absl::StrCat(help, " May be repeated."));
  declaration.option = app_.add_option(name, values);
}

bool OptionSet::Given(const std::string& name) const {
  for (const std::unique_ptr<Declaration>& declaration : declarations_) {
    if (declaration->name == name) return declaration->option->count() > 0;
  }
  return false;
}

void OptionSet::OnUnknown(std::function<std::string(const std::string& name, const std::string& value)> hint) {
  unknown_hint_ = std::move(hint);
}

std::string OptionSet::DescribeUnknown(const std::string& extra, const std::string& next) const {
  const std::vector<std::string> parts = absl::StrSplit(extra, absl::MaxSplits('=', 1));
  std::string hint;
  if (unknown_hint_ != nullptr) {
    const std::string value = parts.size() > 1 ? parts[1] : absl::StartsWith(next, "-") ? "" : next;
    hint = unknown_hint_(std::string(absl::StripPrefix(absl::StripPrefix(parts[0], "-"), "-")), value);
  }
  std::vector<std::string> names;
  for (const std::unique_ptr<Declaration>& declaration : declarations_) names.push_back(declaration->name);
  return absl::StrCat(parts[0], ": unknown option", hint.empty() ? DidYouMean(parts[0], names) : hint);
}

std::vector<std::string> OptionSet::Finish(const std::vector<std::string>& extras) {
  std::vector<std::string> problems;
  bool after_unknown = false;
  for (size_t i = 0; i < extras.size(); ++i) {
    const std::string& extra = extras[i];
    const bool is_option = absl::StartsWith(extra, "-") && extra.size() > 1;
    if (is_option) {
      problems.push_back(DescribeUnknown(extra, i + 1 < extras.size() ? extras[i + 1] : ""));
    } else if (!after_unknown) {
      problems.push_back(absl::StrCat(extra, ": unexpected argument"));
    }
    // What follows an unknown option is most likely its value.
    after_unknown = is_option;
  }
  for (const std::unique_ptr<Declaration>& declaration : declarations_) {
    const bool given = declaration->option->count() > 0;
    if (!given && declaration->required) problems.push_back(absl::StrCat(declaration->name, ": required"));
    if (!given || declaration->read == nullptr) continue;
    const std::string problem = declaration->read(declaration->text);
    if (!problem.empty()) problems.push_back(absl::StrCat(declaration->name, ": ", problem));
  }
  return problems;
}

std::string OptionSet::ArgumentNames() const {
  std::string names;
  for (const std::unique_ptr<Declaration>& declaration : declarations_) {
    if (!absl::StartsWith(declaration->name, "-")) absl::StrAppend(&names, " ", declaration->name);
  }
  return names;
}

std::string OptionSet::Help() const {
  std::string help;
  for (const std::unique_ptr<Declaration>& declaration : declarations_) {
    const bool named = absl::StartsWith(declaration->name, "-") && !declaration->value_name.empty();
    const std::string label = named ? absl::StrCat(declaration->name, " ", declaration->value_name) : declaration->name;
    std::string text = declaration->help;
    if (declaration->required) absl::StrAppend(&text, " Required.");
    if (!declaration->default_text.empty()) absl::StrAppend(&text, " Default: ", declaration->default_text, ".");
    absl::StrAppend(&help, HelpEntry(label, text));
  }
  return absl::StrCat(help, HelpEntry("--help", "Print this and exit."));
}

std::vector<std::string> WrapText(const std::string& text, size_t width) {
  std::vector<std::string> lines(1);
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
    absl::StrAppend(&lines.back(), lines.back().empty() ? "" : " ", word);
  }
  return lines;
}

std::string HelpEntry(const std::string& label, const std::string& text) {
  std::string entry = absl::StrCat("  ", label);
  bool first = entry.size() < kLabelWidth;
  if (!first) absl::StrAppend(&entry, "\n");
  for (const std::string& line : WrapText(text, kHelpWidth - kLabelWidth)) {
    absl::StrAppend(&entry, std::string(first ? kLabelWidth - entry.size() : kLabelWidth, ' '), line, "\n");
    first = false;
  }
  return entry;
}

}  // namespace plumb::cli
