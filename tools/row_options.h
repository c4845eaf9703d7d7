#ifndef PLUMB_TOOLS_ROW_OPTIONS_H_
#define PLUMB_TOOLS_ROW_OPTIONS_H_

#include <string>

#include "proto/config.pb.h"
#include "tools/option_set.h"

// How rows become texts, for the commands that read rows as training does.
namespace plumb::cli {

struct RowFlags {
  std::string prompt_template;
  std::string completion_template;
  bool no_chat_template = false;
};

// The templates' defaults of the configuration schema.
RowFlags DefaultRowFlags();

// --prompt-template, --no-chat-template.
void DeclarePromptTemplate(OptionSet& options, RowFlags& flags);
// --completion-template.
void DeclareCompletionTemplate(OptionSet& options, RowFlags& flags);

// The same as a configuration's `data` table. In the templates of a command line \n is a new line.
proto::DataConfig ToDataConfig(const RowFlags& flags, const std::string& file);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_ROW_OPTIONS_H_
