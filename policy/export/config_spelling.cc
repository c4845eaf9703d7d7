#include "policy/export/config_spelling.h"

namespace plumb {
namespace {

constexpr double kDefaultTheta = 10000.0;

// An object with one key after the other, as they are added.
Json RopeParameters(const Json& config) {
  const auto scaling = config.find("rope_scaling");
  const bool scaled = scaling != config.end() && scaling->is_object();
  Json parameters = Json::object();
  parameters["rope_type"] = "default";
  parameters["rope_theta"] = config.value("rope_theta", Json(kDefaultTheta));
  if (!scaled) return parameters;
  for (const auto& [key, value] : scaling->items()) parameters[key == "type" ? "rope_type" : key] = value;
  return parameters;
}

Json ToTransformers5(const Json& config) {
  Json result = Json::object();
  for (const auto& [key, value] : config.items()) {
    if (key == "torch_dtype") {
      result["dtype"] = value;
    } else if (key == "rope_scaling" || (key == "rope_theta" && !config.contains("rope_scaling"))) {
      result["rope_parameters"] = RopeParameters(config);
    } else if (key != "rope_theta") {
      result[key] = value;
    }
  }
  if (!result.contains("rope_parameters")) result["rope_parameters"] = RopeParameters(config);
  return result;
}

void AddHubRope(const Json& config, Json& result) {
  const Json& parameters = config["rope_parameters"];
  Json scaling = Json::object();
  for (const auto& [key, value] : parameters.items()) {
    if (key != "rope_theta") scaling[key == "rope_type" ? "type" : key] = value;
  }
  const bool plain = scaling.size() == 1 && scaling.value("type", "") == "default";
  result["rope_scaling"] = plain || scaling.empty() ? Json() : scaling;
  result["rope_theta"] = parameters.value("rope_theta", config.value("rope_theta", Json(kDefaultTheta)));
}

Json ToHub(const Json& config) {
  Json result = Json::object();
  const auto parameters = config.find("rope_parameters");
  const bool has_parameters = parameters != config.end() && parameters->is_object();
  for (const auto& [key, value] : config.items()) {
    if (key == "dtype") {
      result["torch_dtype"] = value;
    } else if (key == "rope_parameters" && has_parameters) {
      AddHubRope(config, result);
    } else if (!has_parameters || (key != "rope_scaling" && key != "rope_theta")) {
      result[key] = value;
    }
  }
  return result;
}

}  // namespace

ConfigSpelling SpellingOf(const Json& config) {
  const bool version5 =
      config.contains("rope_parameters") || (config.contains("dtype") && !config.contains("rope_theta"));
  return version5 ? ConfigSpelling::kTransformers5 : ConfigSpelling::kHub;
}

Json WithSpelling(const Json& config, ConfigSpelling spelling) {
  if (spelling == SpellingOf(config)) return config;
  return spelling == ConfigSpelling::kHub ? ToHub(config) : ToTransformers5(config);
}

void SetConfigDtype(Json& config, const std::string& dtype) {
  const bool version5 = config.contains("dtype") ||
                        (SpellingOf(config) == ConfigSpelling::kTransformers5 && !config.contains("torch_dtype"));
  config[version5 ? "dtype" : "torch_dtype"] = dtype;
}

}  // namespace plumb
