#include "base/torch_guard.h"

#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string>

#include "absl/strings/str_cat.h"

namespace plumb {

absl::Status CatchTorchStatus(absl::string_view operation, const std::function<absl::Status()>& body) {
  try {
    return body();
  } catch (const c10::OutOfMemoryError& error) {
    return absl::ResourceExhaustedError(absl::StrCat(operation, ": out of memory: ", error.what_without_backtrace()));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(operation, ": out of memory"));
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    // The CPU allocator reports as a plain error.
    if (message.find("DefaultCPUAllocator") != std::string::npos) {
      return absl::ResourceExhaustedError(absl::StrCat(operation, ": out of memory: ", message));
    }
    return absl::InternalError(absl::StrCat(operation, ": ", message));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(operation, ": ", error.what()));
  }
}

}  // namespace plumb
