#ifndef PLUMB_TOOLS_BENCH_BENCH_PROMPTS_H_
#define PLUMB_TOOLS_BENCH_BENCH_PROMPTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "text/text_codec.h"

namespace plumb::cli {

// `count` different texts that `codec` encodes to exactly `length` ids, made from BenchIds().
// Errors: kFailedPrecondition where the tokenizer gives too few.
absl::StatusOr<std::vector<std::string>> ExactPrompts(const TextCodec& codec, int64_t count, int64_t length);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_BENCH_BENCH_PROMPTS_H_
