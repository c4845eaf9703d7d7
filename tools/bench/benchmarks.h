#ifndef PLUMB_TOOLS_BENCH_BENCHMARKS_H_
#define PLUMB_TOOLS_BENCH_BENCHMARKS_H_

#include "tools/command.h"

// The benchmarks of `plumb bench`; each is in the source file of its name. A new one is a file, a line here and a line
// in bench_command.cc. Each prints one JSON object to stdout; docs/bench/ keeps results.
namespace plumb::cli {

CommandEntry AttentionBench();
CommandEntry DecodeBench();
CommandEntry GrpoBench();
CommandEntry KernelsBench();
CommandEntry LoadBench();
CommandEntry LogitsBench();
CommandEntry PrefillBench();
CommandEntry SftBench();
CommandEntry TokenizerBench();

// The group `bench`.
CommandEntry BenchCommand();

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_BENCH_BENCHMARKS_H_
