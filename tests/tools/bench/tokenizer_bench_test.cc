#include "tests/tools/commands/tiny_policy.h"
#include "tools/bench/benchmarks.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::GoldenPath;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

// A peer that answers with `digest`.
std::string PeerOf(const TestFolder& folder, const std::string& digest) {
  return "sh " + WriteTemporary(folder, "peer.sh", "echo '{\"seconds\": 1000, \"digest\": \"" + digest + "\"}'\n");
}

std::vector<std::string> TokenizerBenchOf(const TestFolder& folder, const std::string& peer) {
  return {"bench",       "tokenizer",
          "--tokenizer", GoldenPath("tokenizer/small-v3/tokenizer.json"),
          "--input",     WriteTemporary(folder, "in.txt", "!!"),
          "--rounds",    "2",
          "--peer",      peer};
}

TEST(TokenizerBenchTest, ComparesItselfWithThePeer) {
  const TestFolder folder;
  // SHA-256 of "3,3": the two ids.
  const CommandResult result = Plumb(TokenizerBenchOf(folder, PeerOf(folder, Sha256Hex("3,3"))));
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json json = Json::parse(result.output);
  EXPECT_EQ(json["bytes"], 2);
  EXPECT_EQ(json["ids"], 2);
  EXPECT_EQ(json["plumb"]["seconds"].size(), 2);
  EXPECT_LT(json["plumb_over_peer"].get<double>(), 1);
}

TEST(TokenizerBenchFaultTest, APeerWithOtherIdsIsNoPeer) {
  const TestFolder folder;
  const CommandResult result = Plumb(TokenizerBenchOf(folder, PeerOf(folder, "00")));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("plumb bench tokenizer: error: the peer's ids differ"));
}

}  // namespace
}  // namespace plumb::cli
