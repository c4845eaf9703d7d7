#ifndef PLUMB_BASE_STATUS_MACROS_H_
#define PLUMB_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

// Abseil 20220623 has no status macros; these are the usual two.

// Returns from the current function when `expression`, an absl::Status, is not OK.
#define RETURN_IF_ERROR(expression)                                         \
  do {                                                                      \
    if (::absl::Status plumb_status_ = (expression); !plumb_status_.ok()) { \
      return plumb_status_;                                                 \
    }                                                                       \
  } while (false)

#define PLUMB_CONCAT_INNER_(left, right) left##right
#define PLUMB_CONCAT_(left, right) PLUMB_CONCAT_INNER_(left, right)

// Evaluates `expression`, an absl::StatusOr<T>; returns its status from the current function, or moves its value to
// `left`, which may be a declaration.
#define ASSIGN_OR_RETURN(left, expression) \
  PLUMB_ASSIGN_OR_RETURN_(PLUMB_CONCAT_(plumb_status_or_, __LINE__), left, expression)
#define PLUMB_ASSIGN_OR_RETURN_(result, left, expression) \
  auto result = (expression);                             \
  if (!result.ok()) return std::move(result).status();    \
  left = std::move(result).value()

namespace plumb {

// Puts "context: " before the message of an error; an OK status stays as it is. The code is kept.
inline absl::Status Annotate(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(context, ": ", status.message()));
}

}  // namespace plumb

#endif  // PLUMB_BASE_STATUS_MACROS_H_
