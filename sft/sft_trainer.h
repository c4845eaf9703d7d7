#ifndef PLUMB_SFT_SFT_TRAINER_H_
#define PLUMB_SFT_SFT_TRAINER_H_

#include "absl/status/status.h"
#include "base/config.h"
#include "proto/config.pb.h"

namespace plumb {

// Runs the SFT stage of a resolved configuration to its end, or to an interrupt (kCancelled, with the state saved).
// Errors: as its parts; every message names the file, row or field.
absl::Status RunSft(const proto::SftConfig& config, const ConfigSources& sources, bool resume);

}  // namespace plumb

#endif  // PLUMB_SFT_SFT_TRAINER_H_
