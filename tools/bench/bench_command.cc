#include "tools/bench/benchmarks.h"

namespace plumb::cli {

CommandEntry BenchCommand() {
  return {.name = "bench",
          .summary = "Measure the speed of a part of Plumb.",
          .details =
              "Each benchmark prints one JSON object. With --peer it also runs a peer's program in turn with its own\n"
              "rounds, on the same input, and checks that both give the same result.",
          .subcommands = {AttentionBench(), DecodeBench(), GrpoBench(), KernelsBench(), LoadBench(), LogitsBench(),
                          PrefillBench(), SftBench(), TokenizerBench()}};
}

}  // namespace plumb::cli
