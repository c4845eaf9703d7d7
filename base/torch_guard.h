#ifndef PLUMB_BASE_TORCH_GUARD_H_
#define PLUMB_BASE_TORCH_GUARD_H_

#include <functional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumb {

// Calls `body` and turns an exception of LibTorch into a status whose message starts with `operation`. Out of memory
// gives kResourceExhausted, anything else kInternal.
absl::Status CatchTorchStatus(absl::string_view operation, const std::function<absl::Status()>& body);

// The same for a body that returns absl::Status or absl::StatusOr<T>. The border between tensor maths, which may throw,
// and everything else, which returns a status.
template <typename Body>
auto CatchTorch(absl::string_view operation, Body&& body) -> decltype(body()) {
  using Result = decltype(body());
  if constexpr (std::is_same_v<Result, absl::Status>) {
    return CatchTorchStatus(operation, std::forward<Body>(body));
  } else {
    Result result = absl::InternalError("not run");
    const absl::Status status = CatchTorchStatus(operation, [&]() -> absl::Status {
      result = body();
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    return result;
  }
}

}  // namespace plumb

#endif  // PLUMB_BASE_TORCH_GUARD_H_
