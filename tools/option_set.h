#ifndef PLUMB_TOOLS_OPTION_SET_H_
#define PLUMB_TOOLS_OPTION_SET_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace plumb::cli {

struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;  // `min` itself is not allowed
  std::string below_hint;  // behind the message for a value that is too small: "; --greedy ..."
};

// The options of one command, declared on CLI11. CLI11 only splits the command line; values are read and checked by
// Finish(), so that all problems are reported at once. A variable holds its option's default when it is declared and
// must live until Finish(). Not thread-safe.
class OptionSet {
 public:
  explicit OptionSet(CLI::App& app);
  ~OptionSet();
  OptionSet(const OptionSet&) = delete;
  OptionSet& operator=(const OptionSet&) = delete;

  // Names are written "--model"; `value_name` stands for the value in the help: "DIR".
  void Required(const std::string& name, const std::string& value_name, std::string& value, const std::string& help);
  void Text(const std::string& name, const std::string& value_name, std::string& value, const std::string& help);
  void Choice(const std::string& name, const std::vector<std::string>& choices, std::string& value,
              const std::string& help);
  void Whole(const std::string& name, const Range& range, int64_t& value, const std::string& help);
  void Number(const std::string& name, const Range& range, double& value, const std::string& help);
  void Flag(const std::string& name, bool& value, const std::string& help);
  // May be given several times.
  void List(const std::string& name, const std::string& value_name, std::vector<std::string>& values,
            const std::string& help);
  // A required argument without a name.
  void Argument(const std::string& value_name, std::string& value, const std::string& help);

  // What to say of an option that nobody knows, besides near names: `hint` gets its name without dashes, and its value,
  // empty where none follows; it returns "" or "; did you mean ...?".
  void OnUnknown(std::function<std::string(const std::string& name, const std::string& value)> hint);

  // After parsing: whether the user gave the option.
  bool Given(const std::string& name) const;

  // Reads every value. `extras` is what CLI11 could not place.
  // Returns one line for each problem: "--temperature: -1 is less than 0".
  std::vector<std::string> Finish(const std::vector<std::string>& extras);

  // "DIR" of arguments, for the usage line.
  std::string ArgumentNames() const;
  // The list of options, one or more lines each.
  std::string Help() const;

 private:
  struct Declaration;
  Declaration& Declare(const std::string& name, const std::string& value_name, const std::string& help);
  std::string DescribeUnknown(const std::string& extra, const std::string& next) const;

  CLI::App& app_;
  std::vector<std::unique_ptr<Declaration>> declarations_;
  std::function<std::string(const std::string& name, const std::string& value)> unknown_hint_;
};

// Breaks `text` at spaces into lines of at most `width` characters.
std::vector<std::string> WrapText(const std::string& text, size_t width);

// "  LABEL   text", the text in a column of its own and wrapped.
std::string HelpEntry(const std::string& label, const std::string& text);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_OPTION_SET_H_
