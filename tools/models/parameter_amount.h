#ifndef PLUMB_TOOLS_MODELS_PARAMETER_AMOUNT_H_
#define PLUMB_TOOLS_MODELS_PARAMETER_AMOUNT_H_

#include <cstdint>
#include <string>

namespace plumb::cli {

// A number of parameters as model cards write it: "512", "340.6 K", "12.3 M", "15.7 B".
std::string ParameterAmount(int64_t number);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_MODELS_PARAMETER_AMOUNT_H_
