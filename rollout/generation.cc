#include "rollout/generation.h"

#include "absl/strings/str_cat.h"

namespace plumb {

std::string Describe(const WeightVersion& version) {
  return absl::StrCat("step ", version.step, " of run '", version.incarnation, "' (digest ",
                      absl::Hex(version.digest, absl::kZeroPad16), ")");
}

}  // namespace plumb
