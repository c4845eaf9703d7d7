#include "tests/tools/commands/tiny_policy.h"
#include "tools/bench/benchmarks.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using ::testing::HasSubstr;

TEST(BenchCommandFaultTest, AGroupNeedsASubcommand) {
  CommandResult result = Plumb({"bench"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("plumb bench: expected a subcommand: attention, decode, grpo, kernels, load, "
                                       "logits, prefill, sft, tokenizer"));
  result = Plumb({"bench", "tokeniser"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("tokeniser: unknown subcommand; did you mean tokenizer?"));
  result = Plumb({"bench", "tokenizer", "--rounds", "0"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("plumb bench tokenizer: --rounds: 0 is less than 1"));
}

TEST(BenchCommandTest, HelpListsTheSubcommands) {
  EXPECT_THAT(Plumb({"bench", "--help"}).output, HasSubstr("  tokenizer                     Encode a text"));
  EXPECT_THAT(Plumb({"bench", "tokenizer", "--help"}).output, HasSubstr("Usage: plumb bench tokenizer [OPTIONS]"));
}

}  // namespace
}  // namespace plumb::cli
