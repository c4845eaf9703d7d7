#include "tools/row_options.h"

#include "absl/strings/str_replace.h"
#include "base/check.h"
#include "base/config.h"

namespace plumb::cli {
namespace {

// All defaults; `file` has none.
proto::DataConfig DefaultData() {
  proto::DataConfig data;
  const absl::StatusOr<ConfigSources> defaults = ParseConfig("file: unset", "data", {}, data);
  PLUMB_CHECK(defaults.ok()) << defaults.status();
  return data;
}

}  // namespace

RowFlags DefaultRowFlags() {
  const proto::DataConfig data = DefaultData();
  return {.prompt_template = data.prompt_template(), .completion_template = data.completion_template()};
}

void DeclarePromptTemplate(OptionSet& options, RowFlags& flags) {
  options.Text("--prompt-template", "TEXT", flags.prompt_template,
               "How a row becomes its prompt where no chat template is used; \\n is a new line.");
  options.Flag("--no-chat-template", flags.no_chat_template, "Do not render rows with the model's chat template.");
}

void DeclareCompletionTemplate(OptionSet& options, RowFlags& flags) {
  options.Text("--completion-template", "TEXT", flags.completion_template,
               "How a row becomes its completion where no chat template is used; \\n is a new line.");
}

proto::DataConfig ToDataConfig(const RowFlags& flags, const std::string& file) {
  proto::DataConfig data = DefaultData();
  data.set_file(file);
  data.set_prompt_template(absl::StrReplaceAll(flags.prompt_template, {{"\\n", "\n"}}));
  data.set_completion_template(absl::StrReplaceAll(flags.completion_template, {{"\\n", "\n"}}));
  data.set_use_chat_template(!flags.no_chat_template);
  return data;
}

}  // namespace plumb::cli
