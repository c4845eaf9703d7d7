#ifndef PLUMB_TESTS_POLICY_EXPORT_MTP_FOLDER_H_
#define PLUMB_TESTS_POLICY_EXPORT_MTP_FOLDER_H_

#include <string>

#include "absl/status/status.h"

namespace plumb::testing {

// Writes the golden model v3_fp32 with one layer for multi-token prediction into the existing folder `path`: random
// weights in bfloat16, and copies of the embedding and the head.
absl::Status WriteMtpFolder(const std::string& path);

// Fails the test where two model folders do not hold the same tensors (names, types, shapes, bytes) and config.json.
void ExpectSameFolders(const std::string& expected, const std::string& found);

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_POLICY_EXPORT_MTP_FOLDER_H_
