#ifndef PLUMB_REWARD_REWARD_PROTO_H_
#define PLUMB_REWARD_REWARD_PROTO_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/reward.pb.h"
#include "reward/reward_item.h"

// Items and results to and from the wire, with the contract's checks.
namespace plumb {

inline constexpr uint32_t kRewardApiVersion = 1;

// Bytes that are not UTF-8 become U+FFFD: protobuf refuses a string with them, and a byte-level policy writes them.
std::string ToValidUtf8(absl::string_view text);

// The items at `indices`.
proto::ScoreRequest RequestFor(absl::Span<const RewardItem> items, absl::Span<const size_t> indices);

// Errors: kInvalidArgument: more than `max_items`, an empty id, an id twice.
absl::StatusOr<std::vector<RewardItem>> ItemsFromRequest(const proto::ScoreRequest& request, int max_items);

// One result per item, with its id; both have the same length.
proto::ScoreResponse ResponseFor(absl::Span<const RewardItem> items, absl::Span<const RewardResult> results);

// The results in the order of the request's items. A scored value or component that is not finite, and an outcome that
// is not known, give kFailed for their item. Errors: kInternal where the answer as a whole cannot be trusted: an id
// that was not asked for, an id twice, an item without a result.
absl::StatusOr<std::vector<RewardResult>> ResultsFromResponse(const proto::ScoreRequest& request,
                                                              const proto::ScoreResponse& response);

}  // namespace plumb

#endif  // PLUMB_REWARD_REWARD_PROTO_H_
