#include "tools/commands/commands.h"

namespace plumb::cli {

CommandEntry CheckpointCommand() {
  return {.name = "checkpoint",
          .summary = "Look into a model folder, or write it in another form.",
          .example = "plumb checkpoint verify runs/my_policy",
          .subcommands = {CheckpointVerifyCommand(), CheckpointExportCommand()}};
}

}  // namespace plumb::cli
