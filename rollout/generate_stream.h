#ifndef PLUMB_ROLLOUT_GENERATE_STREAM_H_
#define PLUMB_ROLLOUT_GENERATE_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "proto/rollout.pb.h"

namespace plumb {

// The answer of one Generate call: takes ticks from the engine's thread and writes them one at a time. Ticks that come
// while a write is in flight are joined into one message of at most about 8 MiB; a larger tick becomes several
// messages. A reader that is too slow loses the call, so that memory is bounded: it is when more than 32 MiB wait for
// it, and more than its four largest ticks would be, since one tick with large kept sets is nothing that a reader can
// help. Thread-safe; lives until gRPC and the engine have both let it go.
class GenerateStream : public grpc::ServerWriteReactor<proto::GenerateTick>,
                       public std::enable_shared_from_this<GenerateStream> {
 public:
  // `on_cancel` is called once when the client cancels, its deadline passes or it is too slow.
  explicit GenerateStream(std::function<void()> on_cancel);

  // Keeps the stream alive until gRPC is done with it. Call once, before it is returned to gRPC.
  void Start();
  void Write(proto::GenerateTick tick);
  // Nothing is written after what was given so far.
  void Close(const absl::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  struct Message {
    proto::GenerateTick tick;
    size_t bytes = 0;  // of the deltas
  };

  void Append(proto::GenerateTick& tick) REQUIRES(mutex_);
  void Advance() REQUIRES(mutex_);
  void CancelOnce();

  Mutex mutex_;
  std::function<void()> on_cancel_ GUARDED_BY(mutex_);
  std::deque<Message> waiting_ GUARDED_BY(mutex_);
  size_t waiting_bytes_ GUARDED_BY(mutex_) = 0;
  size_t largest_tick_bytes_ GUARDED_BY(mutex_) = 0;
  proto::GenerateTick in_flight_ GUARDED_BY(mutex_);
  bool writing_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
  bool finished_ GUARDED_BY(mutex_) = false;
  absl::Status status_ GUARDED_BY(mutex_);
  std::shared_ptr<GenerateStream> self_;
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_GENERATE_STREAM_H_
