#include "tools/option_set.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>

namespace plumb::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Values {
  std::string model;
  std::string dtype = "float32";
  int64_t steps = 3;
  double temperature = 1.0;
  bool greedy = false;
  std::vector<std::string> overrides;
};

// Declares one option of each kind, parses the words, and returns what is wrong with them.
std::vector<std::string> Parse(std::vector<std::string> words, Values& values) {
  CLI::App app;
  app.allow_extras();
  OptionSet options(app);
  options.Required("--model", "DIR", values.model, "Model.");
  options.Choice("--dtype", {"float32", "bfloat16"}, values.dtype, "Type.");
  options.Whole("--steps", {1, 10}, values.steps, "Steps.");
  options.Number("--temperature", {0, 100, /*above_min=*/true}, values.temperature, "Temperature.");
  options.Flag("--greedy", values.greedy, "Greedy.");
  options.List("--set", "KEY=VALUE", values.overrides, "Override.");
  std::reverse(words.begin(), words.end());
  app.parse(words);
  return options.Finish(app.remaining());
}

TEST(OptionSetTest, ReadsEveryKind) {
  Values values;
  EXPECT_THAT(Parse({"--model", "m", "--dtype=bfloat16", "--steps", "7", "--temperature", "0.5", "--greedy", "--set",
                     "a=1", "--set", "b=[2, 3]"},
                    values),
              IsEmpty());
  EXPECT_EQ(values.model, "m");
  EXPECT_EQ(values.dtype, "bfloat16");
  EXPECT_EQ(values.steps, 7);
  EXPECT_EQ(values.temperature, 0.5);
  EXPECT_TRUE(values.greedy);
  EXPECT_THAT(values.overrides, ElementsAre("a=1", "b=[2, 3]"));
}

TEST(OptionSetTest, KeepsDefaults) {
  Values values;
  EXPECT_THAT(Parse({"--model", "m"}, values), IsEmpty());
  EXPECT_EQ(values.steps, 3);
  EXPECT_EQ(values.dtype, "float32");
}

TEST(OptionSetFaultTest, ReportsAllProblemsAtOnce) {
  Values values;
  EXPECT_THAT(
      Parse({"--modle", "m", "extra", "--steps", "2.5", "--temperature", "-1", "--dtype", "float16"}, values),
      ElementsAre("--modle: unknown option; did you mean --model?", "extra: unexpected argument", "--model: required",
                  "--dtype: \"float16\" is not one of float32, bfloat16; did you mean "
                  "bfloat16?",
                  "--steps: expected a whole number, found 2.5", "--temperature: -1 is not more than 0"));
}

TEST(OptionSetFaultTest, AnUnknownOptionGetsTheCommandsHint) {
  CLI::App app;
  app.allow_extras();
  OptionSet options(app);
  options.OnUnknown([](const std::string& name, const std::string& value) { return "; " + name + " is " + value; });
  std::vector<std::string> words = {"--last", "--lr=3", "5", "--steps"};
  app.parse(words);
  EXPECT_THAT(options.Finish(app.remaining()),
              ElementsAre("--steps: unknown option; steps is 5", "--lr: unknown option; lr is 3",
                          "--last: unknown option; last is "));
}

TEST(OptionSetFaultTest, AValueThatIsTooSmallGetsItsHint) {
  CLI::App app;
  OptionSet options(app);
  double temperature = 1;
  options.Number("--temperature", {0, 100, /*above_min=*/true, "; try --greedy"}, temperature, "Temperature.");
  std::vector<std::string> words = {"0", "--temperature"};
  app.parse(words);
  EXPECT_THAT(options.Finish({}), ElementsAre("--temperature: 0 is not more than 0; try --greedy"));
}

TEST(OptionSetTest, WrapsTextIntoAColumn) {
  EXPECT_THAT(WrapText("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_EQ(HelpEntry("--a", "b"), "  --a" + std::string(27, ' ') + "b\n");
}

}  // namespace
}  // namespace plumb::cli
