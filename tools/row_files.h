#ifndef PLUMB_TOOLS_ROW_FILES_H_
#define PLUMB_TOOLS_ROW_FILES_H_

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/json.h"

// JSONL in and out of commands. "-" is stdin or stdout.
namespace plumb::cli {

struct InputRow {
  Json row;           // an object
  std::string place;  // "in.jsonl:3"
};

// Empty lines are skipped.
// Errors: kNotFound; kInvalidArgument naming file and line for what is no JSON object.
absl::StatusOr<std::vector<InputRow>> ReadRows(const std::string& path);

// Writes lines. Not thread-safe.
class RowWriter {
 public:
  // Errors: kPermissionDenied or kNotFound, naming the path.
  static absl::StatusOr<std::unique_ptr<RowWriter>> Open(const std::string& path);
  ~RowWriter();
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  // Errors: kResourceExhausted when the disk is full; kUnavailable for other failures.
  absl::Status WriteLine(const std::string& line);
  absl::Status Write(const Json& row) { return WriteLine(DumpJson(row)); }
  // Makes lines visible to readers of the file.
  absl::Status Flush();

 private:
  RowWriter(std::string path, std::FILE* file, bool owned) : path_(std::move(path)), file_(file), owned_(owned) {}
  absl::Status Failure() const;

  const std::string path_;
  std::FILE* const file_;
  const bool owned_;
};

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_ROW_FILES_H_
