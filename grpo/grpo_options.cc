#include "grpo/grpo_options.h"

namespace plumb {
namespace {

LossOptions LossOf(const proto::GrpoConfig& config) {
  const proto::AlgorithmConfig& algorithm = config.algorithm();
  LossOptions loss;
  loss.clip_low = algorithm.clip_low();
  loss.clip_high = algorithm.clip_high();
  loss.kl_coef = algorithm.kl_coef();
  loss.normalizer = algorithm.normalizer() == "sequence_mean" ? LossNormalizer::kSequenceMean
                    : algorithm.normalizer() == "constant"    ? LossNormalizer::kConstant
                                                              : LossNormalizer::kTokenMean;
  loss.constant_length =
      algorithm.constant_length() > 0 ? algorithm.constant_length() : config.sampling().max_new_tokens();
  loss.kl_estimator = algorithm.kl_estimator() == "k1"   ? KlEstimator::kK1
                      : algorithm.kl_estimator() == "k2" ? KlEstimator::kK2
                                                         : KlEstimator::kK3;
  return loss;
}

}  // namespace

SamplingOptions SamplingOf(const proto::SamplingConfig& config) {
  SamplingOptions options;
  options.max_new_tokens = config.max_new_tokens();
  options.temperature = config.temperature();
  options.top_p = config.top_p();
  options.top_k = config.top_k();
  options.stop_ids.assign(config.stop_ids().begin(), config.stop_ids().end());
  options.stop_strings.assign(config.stop_strings().begin(), config.stop_strings().end());
  return options;
}

AdvantageOptions AdvantagesOf(const proto::AlgorithmConfig& config) {
  return {.divide_by_std = config.advantage_std() == "group", .epsilon = config.advantage_epsilon()};
}

UpdateOptions UpdateOf(const proto::GrpoConfig& config, int64_t num_ids) {
  UpdateOptions options;
  options.num_ids = num_ids;
  options.loss = LossOf(config);
  options.adamw.beta1 = config.optimizer().beta1();
  options.adamw.beta2 = config.optimizer().beta2();
  options.adamw.epsilon = config.optimizer().epsilon();
  options.adamw.weight_decay = config.optimizer().weight_decay();
  options.temperature = config.sampling().temperature();
  options.recompute_logprobs = config.algorithm().recompute_logprobs();
  options.micro_batch_tokens = config.micro_batch_tokens();
  options.max_grad_norm = config.optimizer().max_grad_norm();
  return options;
}

}  // namespace plumb
