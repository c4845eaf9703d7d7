#ifndef PLUMB_BASE_INSIDE_FOLDER_H_
#define PLUMB_BASE_INSIDE_FOLDER_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Files of a folder that somebody else made, such as a published model: a link in it must not show other files.
namespace plumb {

// Refuses a file whose links lead out of the folder, other than to the blobs of a Hugging Face cache (from
// models--NAME/snapshots/REVISION to models--NAME/blobs). Errors: kInvalidArgument; those of base/file.h.
absl::Status CheckInsideFolder(const std::string& folder, const std::string& file);

// Reads folder/name. Where its links lead is checked on the opened file, so that nobody can change them in between.
// Errors: kNotFound; kInvalidArgument for a link out of the folder, what is no regular file, and more than `max_bytes`.
absl::StatusOr<std::string> ReadInsideFolder(const std::string& folder, const std::string& name, size_t max_bytes);

}  // namespace plumb

#endif  // PLUMB_BASE_INSIDE_FOLDER_H_
