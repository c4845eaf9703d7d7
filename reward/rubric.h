#ifndef PLUMB_REWARD_RUBRIC_H_
#define PLUMB_REWARD_RUBRIC_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "proto/config.pb.h"
#include "reward/reward_item.h"

namespace plumb {

// A weighted sum of built-in verifiers. Constant after Create(), so Score() may run in many threads.
class Rubric {
 public:
  // Fields that are not set take the defaults of proto/config.proto.
  // Errors: kInvalidArgument: "verifiers.1.pattern: missing ): (a", counting verifiers from 0.
  static absl::StatusOr<Rubric> Create(const google::protobuf::RepeatedPtrField<proto::VerifierConfig>& verifiers);

  // The sum of weight * value, with each verifier's value before weights as a component. A row without the answer that
  // a verifier needs is kInvalid; so is a completion without ids for `length`.
  RewardResult Score(const RewardItem& item) const;

  // The components' names: the verifiers' names; a second one of a name has "_2" behind it.
  std::vector<std::string> component_names() const;

 private:
  // `row` is the parsed row_json, an object.
  using Verify = std::function<RewardResult(const RewardItem& item, const Json& row)>;
  struct Part {
    std::string component;
    double weight;
    Verify verify;
  };
  static absl::StatusOr<Verify> MakeVerifier(const proto::VerifierConfig& config);

  std::vector<Part> parts_;
};

}  // namespace plumb

#endif  // PLUMB_REWARD_RUBRIC_H_
