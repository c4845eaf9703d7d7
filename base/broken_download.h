#ifndef PLUMB_BASE_BROKEN_DOWNLOAD_H_
#define PLUMB_BASE_BROKEN_DOWNLOAD_H_

#include <string>

#include "absl/strings/string_view.h"

namespace plumb {

// What a download left in place of a file, by how its content begins: "is a Git LFS pointer; run `git lfs pull`", or
// "is an HTML page, not EXPECTED". Empty where the content is neither.
//   expected  "a safetensors file"
std::string BrokenDownload(absl::string_view content, absl::string_view expected);

}  // namespace plumb

#endif  // PLUMB_BASE_BROKEN_DOWNLOAD_H_
