#ifndef PLUMB_TEXT_JSONL_ROWS_H_
#define PLUMB_TEXT_JSONL_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "proto/config.pb.h"

namespace plumb {

enum class RowFormat { kMessages, kPromptCompletion, kQuestionAnswer };

// A row of a JSONL file as it stands there.
struct JsonlRow {
  std::string id;     // the row's `id`, else its number from 0
  std::string place;  // "rows.jsonl:3", for messages
  std::string line;
  Json json;  // an object
};

struct JsonlRows {
  RowFormat format = RowFormat::kMessages;
  std::vector<JsonlRow> rows;  // at least one
};

// Reads the first `max_rows` rows of the file; blank lines do not count.
// Errors: kNotFound; kInvalidArgument with file and line: not JSON, no object, a duplicate id, an id that is neither
// text nor integer; no rows; format auto and the first row has none of the known keys.
absl::StatusOr<JsonlRows> ReadJsonlRows(const proto::DataConfig& config);

// Replaces each {key} of `text_template` by the row's value: texts as they are, others as JSON. {{ and }} stand for
// braces; other braces stay.
// Errors: kInvalidArgument for a key that the row lacks.
absl::StatusOr<std::string> ExpandTemplate(absl::string_view text_template, const Json& row);

}  // namespace plumb

#endif  // PLUMB_TEXT_JSONL_ROWS_H_
