#ifndef PLUMB_TESTS_TEXT_TOKENIZER_GOLDENS_H_
#define PLUMB_TESTS_TEXT_TOKENIZER_GOLDENS_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"
#include "text/tokenizer.h"

// Compares a tokenizer with what Hugging Face tokenizers gave, in tests/golden/tokenizer/FOLDER.
namespace plumb::testing {

inline std::string TokenizerGoldenPath(const std::string& folder, const std::string& file) {
  return GoldenPath("tokenizer/" + folder + "/" + file);
}

inline void ExpectGoldenEncodings(const Tokenizer& tokenizer, const std::string& folder) {
  const std::vector<Json> rows = MustReadJsonLines(TokenizerGoldenPath(folder, "encode.jsonl"));
  EXPECT_EQ(rows.size(), 257);
  for (const Json& row : rows) {
    const auto text = row["text"].get<std::string>();
    ASSERT_OK_AND_ASSIGN(const EncodedText encoded, tokenizer.Encode(text, false));
    EXPECT_EQ(encoded.ids, row["ids"].get<std::vector<int64_t>>()) << text;
    ASSERT_OK_AND_ASSIGN(const EncodedText with_special, tokenizer.Encode(text, true));
    EXPECT_EQ(with_special.ids, row["ids_add_special_tokens"].get<std::vector<int64_t>>()) << text;
    EXPECT_EQ(tokenizer.Decode(encoded.ids, false), row["decoded"].get<std::string>());
    EXPECT_EQ(tokenizer.Decode(encoded.ids, true), row["decoded_skip_special"].get<std::string>());
  }
}

inline void ExpectGoldenDecodings(const Tokenizer& tokenizer, const std::string& folder) {
  const std::vector<Json> rows = MustReadJsonLines(TokenizerGoldenPath(folder, "decode.jsonl"));
  EXPECT_GE(rows.size(), 10);
  for (const Json& row : rows) {
    const auto ids = row["ids"].get<std::vector<int64_t>>();
    EXPECT_EQ(tokenizer.Decode(ids, false), row["decoded"].get<std::string>());
    EXPECT_EQ(tokenizer.Decode(ids, true), row["decoded_skip_special"].get<std::string>());
    StreamDecoder stream(tokenizer, false);
    std::string joined;
    for (const int64_t id : ids) joined += stream.Push(id);
    EXPECT_EQ(joined + stream.Finish(), row["decoded"].get<std::string>());
  }
}

inline void ExpectGoldenLongTexts(const Tokenizer& tokenizer, const std::string& folder) {
  const std::vector<Json> rows = MustReadJsonLines(TokenizerGoldenPath(folder, "long.jsonl"));
  EXPECT_GE(rows.size(), 5);
  for (const Json& row : rows) {
    std::string text;
    if (row.contains("file")) {
      text = MustRead(TokenizerGoldenPath(folder, row["file"]));
    } else {
      for (int i = 0; i < row["times"].get<int>(); ++i) text += row["unit"].get<std::string>();
    }
    ASSERT_OK_AND_ASSIGN(const EncodedText encoded, tokenizer.Encode(text, false));
    EXPECT_EQ(encoded.ids.size(), row["n_ids"].get<size_t>());
    EXPECT_EQ(Sha256Hex(absl::StrJoin(encoded.ids, ",")), row["sha256_of_ids"].get<std::string>()) << row.dump();
  }
}

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_TEXT_TOKENIZER_GOLDENS_H_
