#include "reward/reward_proto.h"

#include <cmath>
#include <optional>
#include <set>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace plumb {
namespace {

// The length of the UTF-8 sequence at the start of `text`, or 0 where there is none.
size_t Utf8SequenceLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF show in the second byte.
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
  if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
  return length;
}

proto::RewardOutcome OutcomeToProto(RewardOutcome outcome) {
  switch (outcome) {
    case RewardOutcome::kScored:
      return proto::REWARD_OUTCOME_SCORED;
    case RewardOutcome::kAbstained:
      return proto::REWARD_OUTCOME_ABSTAINED;
    case RewardOutcome::kInvalid:
      return proto::REWARD_OUTCOME_INVALID;
    case RewardOutcome::kFailed:
      return proto::REWARD_OUTCOME_FAILED;
  }
  return proto::REWARD_OUTCOME_FAILED;
}

std::optional<RewardOutcome> OutcomeFromProto(proto::RewardOutcome outcome) {
  switch (outcome) {
    case proto::REWARD_OUTCOME_SCORED:
      return RewardOutcome::kScored;
    case proto::REWARD_OUTCOME_ABSTAINED:
      return RewardOutcome::kAbstained;
    case proto::REWARD_OUTCOME_INVALID:
      return RewardOutcome::kInvalid;
    case proto::REWARD_OUTCOME_FAILED:
      return RewardOutcome::kFailed;
    default:
      return std::nullopt;
  }
}

RewardResult Failed(std::string message) { return {.outcome = RewardOutcome::kFailed, .message = std::move(message)}; }

RewardResult ResultFromProto(const proto::RewardResult& wire) {
  const std::optional<RewardOutcome> outcome = OutcomeFromProto(wire.outcome());
  if (!outcome.has_value()) return Failed(absl::StrCat("outcome is ", wire.outcome(), ", which is none"));
  RewardResult result{.outcome = *outcome, .message = wire.message()};
  if (*outcome != RewardOutcome::kScored) return result;
  if (!std::isfinite(wire.value()))
    return Failed(absl::StrCat("value is ", wire.value(), ", expected a finite number"));
  result.value = wire.value();
  for (const proto::RewardComponent& component : wire.components()) {
    if (!std::isfinite(component.value())) {
      return Failed(
          absl::StrCat("component '", component.name(), "' is ", component.value(), ", expected a finite number"));
    }
    result.components.push_back({component.name(), component.value()});
  }
  return result;
}

}  // namespace

std::string ToValidUtf8(absl::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    if (length == 0) {
      valid += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      valid.append(text.data(), length);
      text.remove_prefix(length);
    }
  }
  return valid;
}

proto::ScoreRequest RequestFor(absl::Span<const RewardItem> items, absl::Span<const size_t> indices) {
  proto::ScoreRequest request;
  for (const size_t index : indices) {
    const RewardItem& item = items[index];
    proto::RewardItem& wire = *request.add_items();
    wire.set_id(item.id);
    wire.set_prompt(ToValidUtf8(item.prompt));
    for (const auto& [role, content] : item.messages) {
      proto::ChatMessage& message = *wire.add_messages();
      message.set_role(ToValidUtf8(role));
      message.set_content(ToValidUtf8(content));
    }
    wire.set_completion(ToValidUtf8(item.completion));
    for (const int64_t id : item.completion_ids) wire.add_completion_ids(static_cast<uint32_t>(id));
    wire.set_row_json(ToValidUtf8(item.row_json));
    wire.set_truncated(item.truncated);
  }
  return request;
}

absl::StatusOr<std::vector<RewardItem>> ItemsFromRequest(const proto::ScoreRequest& request, int max_items) {
  if (request.items_size() > max_items) {
    return absl::InvalidArgumentError(absl::StrCat("items: ", request.items_size(), " of them, at most ", max_items));
  }
  std::vector<RewardItem> items;
  std::set<std::string> ids;
  for (int i = 0; i < request.items_size(); ++i) {
    const proto::RewardItem& wire = request.items(i);
    if (wire.id().empty()) return absl::InvalidArgumentError(absl::StrCat("items.", i, ".id: is empty"));
    if (!ids.insert(wire.id()).second) {
      return absl::InvalidArgumentError(absl::StrCat("items.", i, ".id: '", wire.id(), "' was there before"));
    }
    RewardItem& item = items.emplace_back();
    item.id = wire.id();
    item.prompt = wire.prompt();
    for (const proto::ChatMessage& message : wire.messages()) {
      item.messages.emplace_back(message.role(), message.content());
    }
    item.completion = wire.completion();
    item.completion_ids.assign(wire.completion_ids().begin(), wire.completion_ids().end());
    item.row_json = wire.row_json();
    item.truncated = wire.truncated();
  }
  return items;
}

proto::ScoreResponse ResponseFor(absl::Span<const RewardItem> items, absl::Span<const RewardResult> results) {
  proto::ScoreResponse response;
  for (size_t i = 0; i < items.size(); ++i) {
    proto::RewardResult& wire = *response.add_results();
    wire.set_id(items[i].id);
    wire.set_outcome(OutcomeToProto(results[i].outcome));
    wire.set_value(results[i].value);
    for (const RewardComponent& component : results[i].components) {
      proto::RewardComponent& added = *wire.add_components();
      added.set_name(component.name);
      added.set_value(component.value);
    }
    wire.set_message(ToValidUtf8(results[i].message));
  }
  return response;
}

absl::StatusOr<std::vector<RewardResult>> ResultsFromResponse(const proto::ScoreRequest& request,
                                                              const proto::ScoreResponse& response) {
  std::unordered_map<std::string, size_t> places;
  for (int i = 0; i < request.items_size(); ++i) places[request.items(i).id()] = i;
  std::vector<std::optional<RewardResult>> found(request.items_size());
  for (const proto::RewardResult& wire : response.results()) {
    const auto place = places.find(wire.id());
    if (place == places.end()) {
      return absl::InternalError(absl::StrCat("a result has the id '", wire.id(), "', which was not asked for"));
    }
    if (found[place->second].has_value()) {
      return absl::InternalError(absl::StrCat("two results have the id '", wire.id(), "'"));
    }
    found[place->second] = ResultFromProto(wire);
  }
  std::vector<RewardResult> results;
  for (int i = 0; i < request.items_size(); ++i) {
    if (!found[i].has_value()) {
      return absl::InternalError(absl::StrCat(response.results_size(), " results for ", request.items_size(),
                                              " items, none for the id '", request.items(i).id(), "'"));
    }
    results.push_back(*std::move(found[i]));
  }
  return results;
}

}  // namespace plumb
