#include "tools/row_files.h"

#include <cerrno>
#include <cstring>
#include <iostream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace plumb::cli {
namespace {

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  if (path != "-") return ReadFile(path);
  return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
}

}  // namespace

absl::StatusOr<std::vector<InputRow>> ReadRows(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadAll(path));
  std::vector<InputRow> rows;
  int64_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    const std::string place = absl::StrCat(path == "-" ? "stdin" : path, ":", number);
    ASSIGN_OR_RETURN(Json row, ParseJson(line, place));
    if (!row.is_object()) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": expected a JSON object, found ", row.type_name()));
    }
    rows.push_back({std::move(row), place});
  }
  return rows;
}

absl::StatusOr<std::unique_ptr<RowWriter>> RowWriter::Open(const std::string& path) {
  if (path == "-") return std::unique_ptr<RowWriter>(new RowWriter("stdout", stdout, false));
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) {
    const std::string message = absl::StrCat(path, ": cannot be written: ", std::strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(message) : absl::PermissionDeniedError(message);
  }
  return std::unique_ptr<RowWriter>(new RowWriter(path, file, true));
}

RowWriter::~RowWriter() {
  if (owned_) {
    std::fclose(file_);
  } else {
    std::fflush(file_);
  }
}

absl::Status RowWriter::Failure() const {
  const std::string message = absl::StrCat(path_, ": ", std::strerror(errno));
  return errno == ENOSPC ? absl::ResourceExhaustedError(message) : absl::UnavailableError(message);
}

absl::Status RowWriter::WriteLine(const std::string& line) {
  const std::string with_end = line + "\n";
  const size_t written = std::fwrite(with_end.data(), 1, with_end.size(), file_);
  return written == with_end.size() ? absl::OkStatus() : Failure();
}

absl::Status RowWriter::Flush() { return std::fflush(file_) == 0 ? absl::OkStatus() : Failure(); }

}  // namespace plumb::cli
