#include "reward/rubric.h"

#include <re2/re2.h>

#include <algorithm>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "reward/verifiers.h"

namespace plumb {
namespace {

RewardResult Invalid(std::string message) {
  return {.outcome = RewardOutcome::kInvalid, .message = std::move(message)};
}

absl::StatusOr<std::shared_ptr<const RE2>> Compile(const std::string& pattern) {
  if (pattern.empty()) return absl::InvalidArgumentError("pattern: is empty, expected an RE2 pattern");
  RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_shared<const RE2>(pattern, options);
  if (!compiled->ok()) return absl::InvalidArgumentError(absl::StrCat("pattern: ", compiled->error()));
  return compiled;
}

// The row's answer as text; a JSON number counts as its digits.
absl::StatusOr<std::string> AnswerOf(const Json& row, const std::string& field) {
  const auto found = row.find(field);
  if (found == row.end()) return absl::NotFoundError(absl::StrCat("the row has no field '", field, "'"));
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number()) return DumpJson(*found);
  return absl::InvalidArgumentError(absl::StrCat("the row's '", field, "' is neither text nor a number"));
}

// kFailed wins over kInvalid over kAbstained over kScored.
int Rank(RewardOutcome outcome) { return static_cast<int>(outcome); }

}  // namespace

absl::StatusOr<Rubric::Verify> Rubric::MakeVerifier(const proto::VerifierConfig& config) {
  const std::string field = config.answer_field().empty() ? "answer" : config.answer_field();
  if (config.name() == "math") {
    const double tolerance = config.has_tolerance() ? config.tolerance() : 1e-6;
    return Verify([field, tolerance](const RewardItem& item, const Json& row) {
      const absl::StatusOr<std::string> gold = AnswerOf(row, field);
      if (!gold.ok()) return Invalid(std::string(gold.status().message()));
      return VerifyMath(item.completion, *gold, tolerance);
    });
  }
  if (config.name() == "exact") {
    return Verify([field](const RewardItem& item, const Json& row) {
      const absl::StatusOr<std::string> gold = AnswerOf(row, field);
      if (!gold.ok()) return Invalid(std::string(gold.status().message()));
      return VerifyExact(item.completion, *gold);
    });
  }
  if (config.name() == "regex" || config.name() == "format") {
    ASSIGN_OR_RETURN(const std::shared_ptr<const RE2> pattern, Compile(config.pattern()));
    if (config.name() == "regex") {
      return Verify([pattern](const RewardItem& item, const Json&) { return VerifyRegex(item.completion, *pattern); });
    }
    return Verify([pattern](const RewardItem& item, const Json&) { return VerifyFormat(item.completion, *pattern); });
  }
  if (config.name() == "length") {
    const int64_t target = config.target_tokens();
    const int64_t max = config.max_tokens();
    if (max <= target) {
      return absl::InvalidArgumentError(
          absl::StrCat("max_tokens: ", max, " is not greater than target_tokens, which is ", target));
    }
    return Verify([target, max](const RewardItem& item, const Json&) {
      if (item.completion_ids.empty() && !item.completion.empty()) return Invalid("the item has no completion_ids");
      return VerifyLength(static_cast<int64_t>(item.completion_ids.size()), target, max);
    });
  }
  return absl::InvalidArgumentError(
      absl::StrCat("name: '", config.name(), "' is not one of math, exact, regex, format, length"));
}

absl::StatusOr<Rubric> Rubric::Create(const google::protobuf::RepeatedPtrField<proto::VerifierConfig>& verifiers) {
  if (verifiers.empty()) return absl::InvalidArgumentError("verifiers: empty, expected at least one");
  Rubric rubric;
  for (int i = 0; i < verifiers.size(); ++i) {
    absl::StatusOr<Verify> verify = MakeVerifier(verifiers[i]);
    if (!verify.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("verifiers.", i, ".", verify.status().message()));
    }
    const auto same_name = std::count_if(verifiers.begin(), verifiers.begin() + i,
                                         [&](const auto& other) { return other.name() == verifiers[i].name(); });
    rubric.parts_.push_back(
        {.component = same_name == 0 ? verifiers[i].name() : absl::StrCat(verifiers[i].name(), "_", same_name + 1),
         .weight = verifiers[i].has_weight() ? verifiers[i].weight() : 1.0,
         .verify = *std::move(verify)});
  }
  return rubric;
}

RewardResult Rubric::Score(const RewardItem& item) const {
  const absl::StatusOr<Json> row = item.row_json.empty() ? Json::object() : ParseJson(item.row_json, "row_json");
  if (!row.ok()) return Invalid(std::string(row.status().message()));
  if (!row->is_object()) return Invalid("row_json: not a JSON object");
  RewardResult total{.outcome = RewardOutcome::kScored};
  for (const Part& part : parts_) {
    const RewardResult result = part.verify(item, *row);
    if (Rank(result.outcome) > Rank(total.outcome)) total.outcome = result.outcome;
    if (result.outcome == RewardOutcome::kScored) {
      total.value += part.weight * result.value;
      total.components.push_back({part.component, result.value});
    }
    absl::StrAppend(&total.message, total.message.empty() ? "" : "; ", part.component, ": ", result.message);
  }
  if (total.outcome != RewardOutcome::kScored) total.value = 0;
  return total;
}

std::vector<std::string> Rubric::component_names() const {
  std::vector<std::string> names;
  for (const Part& part : parts_) names.push_back(part.component);
  return names;
}

}  // namespace plumb
