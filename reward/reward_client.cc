#include "reward/reward_client.h"

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "reward/reward_plugin.h"

namespace plumb {
namespace {

struct PluginAnswer {
  absl::StatusOr<std::vector<RewardResult>> results = absl::InternalError("not asked");
  PluginCounts counts;
};

void Add(const RewardResult& result, const RewardPlugin& plugin, RewardResult& total) {
  // The order of RewardOutcome is the order of precedence.
  total.outcome = std::max(total.outcome, result.outcome);
  if (!result.message.empty()) {
    absl::StrAppend(&total.message, total.message.empty() ? "" : "; ", plugin.name(), ": ", result.message);
  }
  if (result.outcome != RewardOutcome::kScored) return;
  total.value += plugin.weight() * result.value;
  total.components.push_back({plugin.name(), result.value});
  for (const RewardComponent& component : result.components) {
    total.components.push_back({absl::StrCat(plugin.name(), "/", component.name), component.value});
  }
}

}  // namespace

RewardClient::RewardClient() = default;
RewardClient::~RewardClient() = default;

absl::StatusOr<std::unique_ptr<RewardClient>> RewardClient::Connect(const std::vector<proto::PluginConfig>& plugins,
                                                                    const proto::RewardClientConfig& config) {
  if (plugins.empty()) return absl::InvalidArgumentError("reward.plugins: empty, expected at least one");
  std::set<std::string> names;
  std::unique_ptr<RewardClient> client(new RewardClient());
  for (const proto::PluginConfig& plugin : plugins) {
    if (!names.insert(plugin.name()).second) {
      return absl::InvalidArgumentError(absl::StrCat("reward.plugins: two have the name '", plugin.name(), "'"));
    }
    ASSIGN_OR_RETURN(std::unique_ptr<RewardPlugin> connected, RewardPlugin::Connect(plugin, config));
    client->plugins_.push_back(std::move(connected));
  }
  return client;
}

absl::StatusOr<std::vector<RewardResult>> RewardClient::Score(absl::Span<const RewardItem> items, absl::Time deadline) {
  std::set<std::string> ids;
  for (const RewardItem& item : items) {
    if (item.id.empty()) return absl::InvalidArgumentError("an item to score has an empty id");
    if (!ids.insert(item.id).second) {
      return absl::InvalidArgumentError(absl::StrCat("two items to score have the id '", item.id, "'"));
    }
  }
  std::vector<PluginAnswer> answers(plugins_.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < plugins_.size(); ++i) {
    threads.emplace_back([&, i] { answers[i].results = plugins_[i]->Score(items, deadline, answers[i].counts); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const PluginAnswer& answer : answers) {
    counters_.calls += answer.counts.calls;
    counters_.retried_items += answer.counts.retried_items;
  }
  std::vector<RewardResult> totals(items.size(), RewardResult{.outcome = RewardOutcome::kScored});
  for (size_t i = 0; i < plugins_.size(); ++i) {
    RETURN_IF_ERROR(answers[i].results.status());
    for (size_t j = 0; j < items.size(); ++j) Add((*answers[i].results)[j], *plugins_[i], totals[j]);
  }
  for (RewardResult& total : totals) {
    if (total.outcome != RewardOutcome::kScored) total.value = 0;
    counters_.failed_items += total.outcome == RewardOutcome::kFailed;
    counters_.abstained_items += total.outcome == RewardOutcome::kAbstained;
    counters_.invalid_items += total.outcome == RewardOutcome::kInvalid;
  }
  return totals;
}

const RewardCounters& RewardClient::counters() const { return counters_; }

}  // namespace plumb
