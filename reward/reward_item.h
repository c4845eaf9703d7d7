#ifndef PLUMB_REWARD_REWARD_ITEM_H_
#define PLUMB_REWARD_REWARD_ITEM_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace plumb {

// One completion to score.
struct RewardItem {
  std::string id;  // unique in a batch, the same when it is asked again
  std::string prompt;
  std::vector<std::pair<std::string, std::string>> messages;  // role, content; empty where the row is no chat
  std::string completion;
  std::vector<int64_t> completion_ids;
  std::string row_json;  // the data row, a JSON object
  bool truncated = false;
};

// In the order of precedence when several verifiers or plug-ins judge one item: a later one wins.
enum class RewardOutcome { kScored, kAbstained, kInvalid, kFailed };

struct RewardComponent {
  std::string name;
  double value = 0;  // before weights
};

// What became of an item. Only kScored has a value that counts; the others never become a zero.
struct RewardResult {
  RewardOutcome outcome = RewardOutcome::kFailed;
  double value = 0;
  std::vector<RewardComponent> components;
  std::string message;
};

}  // namespace plumb

#endif  // PLUMB_REWARD_REWARD_ITEM_H_
