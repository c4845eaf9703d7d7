#ifndef PLUMB_POLICY_EXPORT_CONFIG_SPELLING_H_
#define PLUMB_POLICY_EXPORT_CONFIG_SPELLING_H_

#include <string>

#include "base/json.h"

// The two spellings of config.json, that of the hub's files and that of transformers 5:
//
//   hub             torch_dtype   rope_theta, rope_scaling {type, ...} or null
//   transformers 5  dtype         rope_parameters {rope_type, rope_theta, ...}
namespace plumb {

enum class ConfigSpelling { kHub, kTransformers5 };

ConfigSpelling SpellingOf(const Json& config);

// The same configuration in a spelling; one that has it already is returned as it is. Other keys, and the order of
// keys, stay.
Json WithSpelling(const Json& config, ConfigSpelling spelling);

// Says that the weights are of a type ("bfloat16"), under the name that the spelling has for it.
void SetConfigDtype(Json& config, const std::string& dtype);

}  // namespace plumb

#endif  // PLUMB_POLICY_EXPORT_CONFIG_SPELLING_H_
