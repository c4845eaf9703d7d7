#include "policy/kernels/cpu/select_isa.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace plumb::cpu {
namespace {

constexpr Isa kClasses[] = {Isa::kAvx2, Isa::kAvx512};  // the best one last
constexpr char kAuto[] = "auto";
constexpr int kNone = -1;

// The processor is one for the whole process, and so is the choice.
std::atomic<int> active_isa{kNone};

std::string NamesOf(const std::vector<Isa>& classes) {
  return absl::StrJoin(classes, ", ", [](std::string* out, Isa isa) { absl::StrAppend(out, IsaName(isa)); });
}

absl::StatusOr<Isa> FromEnvironmentOrBest() {
  const char* value = std::getenv(kIsaVariable);
  absl::StatusOr<Isa> chosen = ChooseIsa(value == nullptr ? kAuto : value, SupportedIsas());
  if (chosen.ok() || value == nullptr) return chosen;
  return absl::Status(chosen.status().code(), absl::StrCat(kIsaVariable, ": ", chosen.status().message()));
}

}  // namespace

const char* IsaName(Isa isa) { return isa == Isa::kAvx2 ? "avx2" : "avx512"; }

bool CpuSupports(Isa isa) {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == Isa::kAvx2) return avx2;
  return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

std::vector<Isa> SupportedIsas() {
  std::vector<Isa> supported;
  std::copy_if(std::begin(kClasses), std::end(kClasses), std::back_inserter(supported), CpuSupports);
  return supported;
}

std::vector<std::string> IsaChoices() {
  std::vector<std::string> names = {kAuto};
  for (const Isa isa : kClasses) names.push_back(IsaName(isa));
  return names;
}

absl::StatusOr<Isa> ChooseIsa(const std::string& name, const std::vector<Isa>& supported) {
  if (supported.empty()) {
    return absl::FailedPreconditionError("this processor has no AVX2 and FMA, which the CPU kernels need");
  }
  if (name.empty() || name == kAuto) return supported.back();
  const auto known =
      std::find_if(std::begin(kClasses), std::end(kClasses), [&](Isa isa) { return name == IsaName(isa); });
  if (known == std::end(kClasses)) {
    return absl::InvalidArgumentError(
        absl::StrCat("no instruction set '", name, "'; expected ", absl::StrJoin(IsaChoices(), ", ")));
  }
  if (std::find(supported.begin(), supported.end(), *known) == supported.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("this processor cannot run ", name, "; it has ", NamesOf(supported)));
  }
  return *known;
}

absl::Status SelectIsa(const std::string& name) {
  const bool given = !name.empty() && name != kAuto;
  ASSIGN_OR_RETURN(const Isa chosen, given ? ChooseIsa(name, SupportedIsas()) : FromEnvironmentOrBest());
  active_isa = static_cast<int>(chosen);
  return absl::OkStatus();
}

Isa ActiveIsa() {
  if (active_isa == kNone) {
    const absl::Status status = SelectIsa(kAuto);
    PLUMB_CHECK(status.ok()) << status.message();
  }
  return static_cast<Isa>(active_isa.load());
}

}  // namespace plumb::cpu
