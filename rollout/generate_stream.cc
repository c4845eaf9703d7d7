#include "rollout/generate_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/grpc_status.h"

namespace plumb {
namespace {

constexpr size_t kMessageBytes = size_t{8} << 20;
constexpr size_t kMaxWaitingBytes = size_t{32} << 20;
constexpr size_t kMaxWaitingTicks = 4;  // of the largest

bool SameVersion(const proto::WeightVersion& left, const proto::WeightVersion& right) {
  return left.step() == right.step() && left.digest() == right.digest() && left.incarnation() == right.incarnation();
}

}  // namespace

GenerateStream::GenerateStream(std::function<void()> on_cancel) : on_cancel_(std::move(on_cancel)) {}

void GenerateStream::Start() { self_ = shared_from_this(); }

void GenerateStream::Write(proto::GenerateTick tick) {
  bool too_slow = false;
  {
    MutexLock lock(&mutex_);
    if (closed_) return;
    Append(tick);
    too_slow = waiting_bytes_ > std::max(kMaxWaitingBytes, kMaxWaitingTicks * largest_tick_bytes_);
    if (too_slow) {
      closed_ = true;
      waiting_.clear();
      status_ = absl::ResourceExhaustedError(
          absl::StrCat("the client reads too slowly: ", waiting_bytes_ >> 20, " MiB of tokens wait for it"));
    }
    Advance();
  }
  if (too_slow) CancelOnce();
}

void GenerateStream::Append(proto::GenerateTick& tick) {
  size_t tick_bytes = 0;
  for (proto::SequenceDelta& delta : *tick.mutable_deltas()) {
    const size_t bytes = delta.ByteSizeLong();
    // Tokens of two weight versions never share a message.
    if (waiting_.empty() || waiting_.back().bytes + bytes > kMessageBytes ||
        !SameVersion(waiting_.back().tick.weight_version(), tick.weight_version())) {
      waiting_.emplace_back();
      *waiting_.back().tick.mutable_weight_version() = tick.weight_version();
    }
    *waiting_.back().tick.add_deltas() = std::move(delta);
    waiting_.back().bytes += bytes;
    tick_bytes += bytes;
  }
  waiting_bytes_ += tick_bytes;
  largest_tick_bytes_ = std::max(largest_tick_bytes_, tick_bytes);
}

void GenerateStream::Close(const absl::Status& status) {
  MutexLock lock(&mutex_);
  if (closed_) return;
  closed_ = true;
  status_ = status;
  Advance();
}

void GenerateStream::Advance() {
  if (writing_ || finished_) return;
  if (!waiting_.empty()) {
    in_flight_ = std::move(waiting_.front().tick);
    waiting_bytes_ -= waiting_.front().bytes;
    waiting_.pop_front();
    writing_ = true;
    StartWrite(&in_flight_);
  } else if (closed_) {
    finished_ = true;
    Finish(ToGrpcStatus(status_));
  }
}

void GenerateStream::OnWriteDone(bool ok) {
  MutexLock lock(&mutex_);
  writing_ = false;
  if (!ok) {
    closed_ = true;
    waiting_.clear();
  }
  Advance();
}

void GenerateStream::OnCancel() {
  CancelOnce();
  Close(absl::CancelledError("cancelled by the client, or its deadline passed"));
}

void GenerateStream::CancelOnce() {
  std::function<void()> on_cancel;
  {
    MutexLock lock(&mutex_);
    on_cancel = std::exchange(on_cancel_, nullptr);
  }
  if (on_cancel) on_cancel();
}

void GenerateStream::OnDone() {
  // May be the last reference: nothing of this object is touched after it.
  const std::shared_ptr<GenerateStream> keep = std::move(self_);
}

}  // namespace plumb
