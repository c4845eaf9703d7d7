#include "checkpoint/file_name.h"

namespace plumb {

bool IsPlainFileName(absl::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  return name.find('/') == absl::string_view::npos && name.find('\0') == absl::string_view::npos;
}

}  // namespace plumb
