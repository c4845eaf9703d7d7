#include "tools/row_options.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>

namespace plumb::cli {
namespace {

using ::testing::IsEmpty;

TEST(RowOptionsTest, StartFromTheSchemasDefaults) {
  const proto::DataConfig data = ToDataConfig(DefaultRowFlags(), "rows.jsonl");
  EXPECT_EQ(data.file(), "rows.jsonl");
  EXPECT_EQ(data.prompt_template(), "{question}");
  EXPECT_EQ(data.completion_template(), "{answer}");
  EXPECT_TRUE(data.use_chat_template());
}

TEST(RowOptionsTest, ReadLineEndsInTemplates) {
  CLI::App app;
  OptionSet options(app);
  RowFlags flags = DefaultRowFlags();
  DeclarePromptTemplate(options, flags);
  DeclareCompletionTemplate(options, flags);
  std::vector<std::string> words = {"--no-chat-template", "a\\nb", "--completion-template", "{x}\\n",
                                    "--prompt-template"};
  app.parse(words);
  EXPECT_THAT(options.Finish({}), IsEmpty());
  const proto::DataConfig data = ToDataConfig(flags, "f");
  EXPECT_EQ(data.prompt_template(), "{x}\n");
  EXPECT_EQ(data.completion_template(), "a\nb");
  EXPECT_FALSE(data.use_chat_template());
}

}  // namespace
}  // namespace plumb::cli
