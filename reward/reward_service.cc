#include "reward/reward_service.h"

#include <atomic>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/grpc_guard.h"
#include "base/status_macros.h"
#include "proto/reward.grpc.pb.h"
#include "reward/reward_proto.h"
#include "reward/rubric.h"

namespace plumb {
namespace {

constexpr int kDefaultMaxBatchItems = 1024;
constexpr int kDefaultThreads = 2;

// Counts the calls in progress while it lives.
class CallCount {
 public:
  explicit CallCount(std::atomic<int>& running) : running_(running), before_(running.fetch_add(1)) {}
  ~CallCount() { running_.fetch_sub(1); }
  int before() const { return before_; }

 private:
  std::atomic<int>& running_;
  const int before_;
};

// Scores with a rubric, at most `max_calls` calls at a time. Thread-safe.
class VerifierService final : public proto::RewardService::CallbackService {
 public:
  VerifierService(Rubric rubric, int max_batch_items, int max_calls)
      : rubric_(std::move(rubric)), max_batch_items_(max_batch_items), max_calls_(max_calls) {}

  grpc::ServerUnaryReactor* GetInfo(grpc::CallbackServerContext* context, const proto::RewardInfoRequest*,
                                    proto::RewardInfo* response) override {
    return AnswerUnary(context, "GetInfo", [&]() -> absl::Status {
      response->set_api_version(kRewardApiVersion);
      response->set_name("plumb verifiers");
      response->set_version("1");
      response->set_max_batch_items(max_batch_items_);
      response->set_max_concurrent_calls(max_calls_);
      for (const std::string& name : rubric_.component_names()) response->add_components(name);
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* Score(grpc::CallbackServerContext* context, const proto::ScoreRequest* request,
                                  proto::ScoreResponse* response) override {
    return AnswerUnary(context, "Score", [&]() -> absl::Status {
      const CallCount count(running_calls_);
      if (count.before() >= max_calls_) {
        return absl::ResourceExhaustedError(absl::StrCat(max_calls_, " calls are running, which is the limit"));
      }
      ASSIGN_OR_RETURN(const std::vector<RewardItem> items, ItemsFromRequest(*request, max_batch_items_));
      std::vector<RewardResult> results;
      for (const RewardItem& item : items) {
        if (context->IsCancelled()) return absl::CancelledError("the caller left");
        results.push_back(rubric_.Score(item));
      }
      *response = ResponseFor(items, results);
      return absl::OkStatus();
    });
  }

 private:
  const Rubric rubric_;
  const int max_batch_items_;
  const int max_calls_;
  std::atomic<int> running_calls_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<grpc::Service>> MakeRewardService(const proto::RewardServiceConfig& config) {
  ASSIGN_OR_RETURN(Rubric rubric, Rubric::Create(config.verifiers()));
  return std::make_unique<VerifierService>(
      std::move(rubric), config.has_max_batch_items() ? config.max_batch_items() : kDefaultMaxBatchItems,
      config.has_threads() ? config.threads() : kDefaultThreads);
}

}  // namespace plumb
