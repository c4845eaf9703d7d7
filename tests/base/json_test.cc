#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(ParseJsonTest, KeepsTheOrderOfKeys) {
  ASSERT_OK_AND_ASSIGN(const Json json, ParseJson(R"({"b": 1, "a": [true, null, "x"]})", "row"));
  EXPECT_EQ(DumpJson(json), R"({"b":1,"a":[true,null,"x"]})");
}

TEST(ParseJsonTest, RefusesDuplicateKeysAndNamesThem) {
  EXPECT_THAT(ParseJson(R"({"a": 1, "a": 2})", "f.json"),
              StatusIs(kInvalid, HasSubstr("f.json: not valid JSON: the key \"a\" is given twice")));
}

TEST(ParseJsonTest, RefusesDepthBeforeTheStackSuffers) {
  EXPECT_THAT(ParseJson(std::string(1'000'000, '['), "deep"), StatusIs(kInvalid, HasSubstr("deeper than 64")));
  EXPECT_THAT(ParseJson(std::string(64, '[') + std::string(64, ']'), "deep"), IsOk());
}

TEST(ParseJsonTest, RefusesSizeGarbageAndBadUtf8) {
  EXPECT_THAT(ParseJson("[1, 2]", "big", {.max_bytes = 3}), StatusIs(kInvalid, HasSubstr("at most 3")));
  EXPECT_THAT(ParseJson("[1, {\"a\": 2}]", "many", {.max_values = 4}), IsOk());
  EXPECT_THAT(ParseJson("[1, {\"a\": 2}]", "many", {.max_values = 3}),
              StatusIs(kInvalid, HasSubstr("more than 3 values")));
  EXPECT_THAT(ParseJson("{} x", "tail"), StatusIs(kInvalid, HasSubstr("byte 4")));
  EXPECT_THAT(ParseJson("\"\xff\"", "bytes"), StatusIs(kInvalid, HasSubstr("bytes")));
  EXPECT_THAT(ParseJson("1e999", "number"), StatusIs(kInvalid, HasSubstr("number")));
  EXPECT_THAT(ParseJson(absl::string_view("{}\0{}", 5), "zero"), StatusIs(kInvalid, HasSubstr("byte 2 is zero")));
  EXPECT_THAT(ParseJson("\xEF\xBB\xBF{}", "mark"), StatusIs(kInvalid, HasSubstr("byte order mark")));
  EXPECT_THAT(ParseJson("", "empty"), StatusIs(kInvalid, HasSubstr("empty")));
}

TEST(ParseJsonTest, SaysWhatADownloadLeftInPlaceOfJson) {
  EXPECT_EQ(ParseJson("version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "config.json").status().message(),
            "config.json: is a Git LFS pointer; run `git lfs pull`");
  EXPECT_EQ(ParseJson("<html></html>", "config.json").status().message(), "config.json: is an HTML page, not JSON");
}

TEST(DumpJsonTest, ReplacesBytesThatAreNotUtf8) { EXPECT_EQ(DumpJson(Json("a\xff")), "\"a\xef\xbf\xbd\""); }

TEST(FloatJsonTest, IsShortAndReadsBackToTheSameBits) {
  EXPECT_EQ(DumpJson(FloatJson(0.1f)), "0.1");
  EXPECT_EQ(DumpJson(FloatJson(std::nanf(""))), "null");
  uint32_t bits = 1;
  for (int i = 0; i < 100'000; ++i, bits = bits * 1664525u + 1013904223u) {
    float value;
    static_assert(sizeof(value) == sizeof(bits));
    std::memcpy(&value, &bits, sizeof(value));
    if (!std::isfinite(value)) continue;
    ASSERT_OK_AND_ASSIGN(const Json back, ParseJson(DumpJson(FloatJson(value)), "float"));
    ASSERT_EQ(static_cast<float>(back.get<double>()), value);
  }
}

TEST(JsonMembersTest, NameTheKeyThePlaceAndWhatWasExpected) {
  ASSERT_OK_AND_ASSIGN(const Json row,
                       ParseJson(R"({"n": 3, "x": 1.5, "s": "t", "ids": [1, 2], "bad": [1, -2]})", "r"));
  EXPECT_THAT(JsonInt(row, "n", "row 7"), IsOkAndHolds(3));
  EXPECT_THAT(JsonDouble(row, "n", "row 7"), IsOkAndHolds(3.0));
  EXPECT_THAT(JsonString(row, "s", "row 7"), IsOkAndHolds("t"));
  EXPECT_THAT(JsonInts(row, "ids", "row 7"), IsOkAndHolds(ElementsAre(1, 2)));
  EXPECT_THAT(JsonInt(row, "x", "row 7"), StatusIs(kInvalid, "row 7: x is 1.5, expected an integer"));
  EXPECT_THAT(JsonInt(row, "m", "row 7"), StatusIs(kInvalid, "row 7: m is missing"));
  EXPECT_THAT(JsonBool(row, "s", "row 7"), StatusIs(kInvalid, HasSubstr("expected true or false")));
  EXPECT_THAT(JsonInts(row, "bad", "row 7"), StatusIs(kInvalid, HasSubstr("bad[1] is -2")));
  EXPECT_THAT(JsonInt(Json::array(), "m", "row 7"), StatusIs(kInvalid, HasSubstr("expected an object")));
}

TEST(ParseJsonTest, IntegersThatWouldLoseDigitsAreRefused) {
  EXPECT_THAT(ParseJson("[18446744073709551615, -9223372036854775808, 1e30, 2.0]", "row"), IsOk());
  EXPECT_THAT(ParseJson("[18446744073709551616]", "row"),
              StatusIs(kInvalid, HasSubstr("row: not valid JSON: the integer 18446744073709551616 is outside")));
  EXPECT_THAT(ParseJson("[-9223372036854775809]", "row"), StatusIs(kInvalid, HasSubstr("-9223372036854775809")));
}

}  // namespace
}  // namespace plumb
