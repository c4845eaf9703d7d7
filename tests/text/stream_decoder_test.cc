#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"
#include "text/tokenizer.h"

namespace plumb {
namespace {

TEST(StreamDecoderTest, HoldsBackHalfCharacters) {
  ASSERT_OK_AND_ASSIGN(const auto tokenizer,
                       Tokenizer::Load(testing::GoldenPath("tokenizer/small-llama3/tokenizer.json")));
  const int64_t first = tokenizer->TokenId("Ã");
  const int64_t second = tokenizer->TokenId("©");
  StreamDecoder decoder(*tokenizer, /*skip_special_tokens=*/true);
  EXPECT_EQ(decoder.Push(first), "");
  EXPECT_EQ(decoder.Push(605), "");
  EXPECT_EQ(decoder.Push(second), "é");
  EXPECT_EQ(decoder.Push(first), "");
  EXPECT_EQ(decoder.Finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(decoder.Finish(), "");
}

}  // namespace
}  // namespace plumb
