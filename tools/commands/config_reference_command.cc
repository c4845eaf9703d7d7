#include <iostream>

#include "tools/commands/commands.h"
#include "tools/config_pages.h"

namespace plumb::cli {
namespace {

class ConfigReference : public Command {
 public:
  void Declare(OptionSet& options) override {}
  absl::Status Run() override {
    std::cout << ConfigurationPage();
    return absl::OkStatus();
  }
};

}  // namespace

CommandEntry ConfigReferenceCommand() {
  return {.name = "config-reference",
          .summary = "Print docs/configuration.md, made from the configuration schema.",
          .example = "plumb config-reference > docs/configuration.md",
          .make = [] { return std::make_unique<ConfigReference>(); },
          .hidden = true};
}

}  // namespace plumb::cli
