#ifndef PLUMB_TESTS_POLICY_EXPORT_PUBLISHED_CONFIGS_H_
#define PLUMB_TESTS_POLICY_EXPORT_PUBLISHED_CONFIGS_H_

#include <string>
#include <vector>

#include "base/json.h"

namespace plumb::testing {

// Names that PublishedConfig() takes: one for each published layout.
std::vector<std::string> PublishedConfigNames();

// A config.json with the fields and values that the published model has: "v2", "v2-lite", "v3", "v3.1", "moonlight",
// "kimi-k2". Coder-V2 and V2.5 are v2 (and v2-lite); R1 is v3.
Json PublishedConfig(const std::string& name);

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_POLICY_EXPORT_PUBLISHED_CONFIGS_H_
