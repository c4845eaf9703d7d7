#ifndef PLUMB_BASE_JSON_H_
#define PLUMB_BASE_JSON_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumb {

// JSON whose objects keep the order of their keys: what comes in goes out in the same order.
using Json = nlohmann::ordered_json;

struct JsonLimits {
  int max_depth = 64;
  size_t max_bytes = size_t{1} << 30;
  // Values in all, nested ones too: each takes up to some 130 bytes of memory, and a hostile text two to write.
  int64_t max_values = int64_t{1} << 24;
};

// Parses one JSON text from an untrusted source. Duplicate keys, what is over the limits, invalid UTF-8 and text after
// the value are errors; numbers stay exact where int64, uint64 or double can hold them. Errors: kInvalidArgument, with
// the byte offset, or with what a download left in place of JSON. `what` names the source in the message
// ("config.json").
absl::StatusOr<Json> ParseJson(absl::string_view text, absl::string_view what, const JsonLimits& limits = {});

// Writes `json` on one line; bytes that are not UTF-8 become U+FFFD. Never fails.
std::string DumpJson(const Json& json, int indent = -1);

// A JSON number that reads back to the same float bits, with the fewest digits (0.1f gives 0.1). NaN and infinities
// give null.
Json FloatJson(float value);
Json FloatsJson(const std::vector<float>& values);

// Reads a member of an object and names it when it is missing or of another type.
// `what` is the place shown in messages, such as "config.json".
// Errors: kInvalidArgument.
absl::StatusOr<int64_t> JsonInt(const Json& object, absl::string_view key, absl::string_view what);
absl::StatusOr<double> JsonDouble(const Json& object, absl::string_view key, absl::string_view what);
absl::StatusOr<std::string> JsonString(const Json& object, absl::string_view key, absl::string_view what);
absl::StatusOr<bool> JsonBool(const Json& object, absl::string_view key, absl::string_view what);
// A list of integers in [0, max]; max is INT64_MAX unless told.
absl::StatusOr<std::vector<int64_t>> JsonInts(const Json& object, absl::string_view key, absl::string_view what);

}  // namespace plumb

#endif  // PLUMB_BASE_JSON_H_
