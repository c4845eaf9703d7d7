#include "text/jsonl_rows.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

absl::StatusOr<std::string> RowId(const Json& row, size_t number) {
  const auto found = row.find("id");
  if (found == row.end() || found->is_null()) return absl::StrCat(number);
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number_integer()) return found->dump();
  return absl::InvalidArgumentError(absl::StrCat("id is ", found->dump(), ", expected a text or an integer"));
}

absl::StatusOr<JsonlRow> ReadRow(absl::string_view line, size_t number) {
  JsonlRow row;
  ASSIGN_OR_RETURN(row.json, ParseJson(line, "row"));
  if (!row.json.is_object()) return absl::InvalidArgumentError("row is not an object");
  ASSIGN_OR_RETURN(row.id, RowId(row.json, number));
  row.line.assign(line.data(), line.size());
  return row;
}

absl::StatusOr<RowFormat> FormatOf(const proto::DataConfig& config, const Json& first) {
  const std::string& name = config.format();
  if (name == "messages") return RowFormat::kMessages;
  if (name == "prompt_completion") return RowFormat::kPromptCompletion;
  if (name == "question_answer") return RowFormat::kQuestionAnswer;
  if (!name.empty() && name != "auto") {
    return absl::InvalidArgumentError(
        absl::StrCat("format is ", name, ", expected auto, messages, prompt_completion or question_answer"));
  }
  if (first.contains("messages")) return RowFormat::kMessages;
  if (first.contains("prompt")) return RowFormat::kPromptCompletion;
  if (first.contains("question")) return RowFormat::kQuestionAnswer;
  return absl::InvalidArgumentError(
      "the first row has none of the keys messages, prompt, question; rows with other keys are read with data.format: "
      "question_answer, and templates such as prompt_template: \"{instruction}\\n\"");
}

bool IsKeyPart(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.'; }

}  // namespace

absl::StatusOr<JsonlRows> ReadJsonlRows(const proto::DataConfig& config) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(config.file()));
  JsonlRows result;
  absl::flat_hash_set<std::string> ids;
  size_t line_number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    const absl::string_view content = absl::StripAsciiWhitespace(line);
    if (content.empty()) continue;
    if (config.max_rows() > 0 && result.rows.size() >= static_cast<size_t>(config.max_rows())) break;
    const std::string place = absl::StrCat(config.file(), ":", line_number);
    absl::StatusOr<JsonlRow> row = ReadRow(content, result.rows.size());
    if (!row.ok()) return Annotate(row.status(), place);
    row->place = place;
    if (!ids.insert(row->id).second) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": the id ", row->id, " stands in an earlier row too"));
    }
    result.rows.push_back(*std::move(row));
  }
  if (result.rows.empty()) return absl::InvalidArgumentError(absl::StrCat(config.file(), ": no rows"));
  const absl::StatusOr<RowFormat> format = FormatOf(config, result.rows[0].json);
  if (!format.ok()) return Annotate(format.status(), config.file());
  result.format = *format;
  return result;
}

absl::StatusOr<std::string> ExpandTemplate(absl::string_view text_template, const Json& row) {
  std::string text;
  for (size_t i = 0; i < text_template.size(); ++i) {
    const char c = text_template[i];
    const bool doubled = i + 1 < text_template.size() && text_template[i + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      text.push_back(c);
      ++i;
      continue;
    }
    size_t end = i + 1;
    while (c == '{' && end < text_template.size() && IsKeyPart(text_template[end])) ++end;
    if (c != '{' || end == i + 1 || end == text_template.size() || text_template[end] != '}') {
      text.push_back(c);
      continue;
    }
    const absl::string_view name = text_template.substr(i + 1, end - i - 1);
    const std::string key(name.data(), name.size());
    if (!row.contains(key)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the key ", key, " of the template ", text_template, " is missing"));
    }
    text += row[key].is_string() ? row[key].get<std::string>() : DumpJson(row[key]);
    i = end;
  }
  return text;
}

}  // namespace plumb
