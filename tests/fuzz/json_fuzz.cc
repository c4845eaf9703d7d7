#include "absl/strings/match.h"
#include "base/check.h"
#include "base/json.h"
#include "tests/fuzz/fuzz_targets.h"

namespace plumb::fuzz {

void FuzzJson(absl::string_view input) {
  const absl::StatusOr<Json> json = ParseJson(input, "f");
  if (!json.ok()) {
    PLUMB_CHECK(json.status().code() == absl::StatusCode::kInvalidArgument) << json.status();
    PLUMB_CHECK(absl::StartsWith(json.status().message(), "f: ")) << json.status();
    return;
  }
  const std::string dump = DumpJson(*json);
  const absl::StatusOr<Json> again = ParseJson(dump, "dump");
  PLUMB_CHECK(again.ok()) << again.status() << "\n" << dump;
  PLUMB_CHECK(*again == *json) << dump;
}

}  // namespace plumb::fuzz
