#ifndef PLUMB_BASE_INSIDE_FOLDER_H_
#define PLUMB_BASE_INSIDE_FOLDER_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/file.h"

// Files of a folder that somebody else made, such as a published model: a link in it must not show other files. Links
// may lead to files of the folder, and to the blobs of a Hugging Face cache (from models--NAME/snapshots/REVISION to
// models--NAME/blobs). Where they lead is checked on the opened file, so that nobody can change them in between.
namespace plumb {

// Reads folder/name.
// Errors: kNotFound; kInvalidArgument for a link out of the folder, what is no regular file, and more than `max_bytes`.
absl::StatusOr<std::string> ReadInsideFolder(const std::string& folder, const std::string& name, size_t max_bytes);

// Maps folder/name. Errors: kNotFound; kInvalidArgument for a link out of the folder and what is no regular file.
absl::StatusOr<std::unique_ptr<MappedFile>> MapInsideFolder(const std::string& folder, const std::string& name);

}  // namespace plumb

#endif  // PLUMB_BASE_INSIDE_FOLDER_H_
