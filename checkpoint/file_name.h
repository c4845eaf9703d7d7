#ifndef PLUMB_CHECKPOINT_FILE_NAME_H_
#define PLUMB_CHECKPOINT_FILE_NAME_H_

#include "absl/strings/string_view.h"

namespace plumb {

// Whether a name that an untrusted file gives (an index, a manifest) is that of a file inside its own folder: not
// empty, not "." or "..", without '/' and NUL.
bool IsPlainFileName(absl::string_view name);

}  // namespace plumb

#endif  // PLUMB_CHECKPOINT_FILE_NAME_H_
