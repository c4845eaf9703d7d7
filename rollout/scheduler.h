#ifndef PLUMB_ROLLOUT_SCHEDULER_H_
#define PLUMB_ROLLOUT_SCHEDULER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "rollout/page_allocator.h"

namespace plumb {

struct SchedulerLimits {
  int64_t max_running_sequences = 256;
  int64_t max_step_tokens = 2048;
  int64_t num_pages = 0;  // of the cache, the null page included
  int64_t page_tokens = 64;
};

// Sequences are numbered in the order of their arrival, so a smaller number is an older sequence.
using SequenceId = int64_t;

// `count` tokens of a sequence from position `first` on. `pages` holds all its tokens up to the end of this step; it is
// valid until the scheduler is called again.
struct PlannedSequence {
  SequenceId id = 0;
  int64_t first = 0;
  int64_t count = 0;
  const std::vector<int32_t>* pages = nullptr;
};

// A token to sample after the last token of StepPlan::sequences[entry], for the sequence `id`. When a prompt has just
// been computed, every sibling of its group draws from the same place.
struct PlannedDraw {
  int64_t entry = 0;
  SequenceId id = 0;
};

// What one engine step computes: first the copies of pages, then the tokens.
struct StepPlan {
  std::vector<int32_t> copy_from;
  std::vector<int32_t> copy_to;
  std::vector<PlannedSequence> sequences;
  std::vector<PlannedDraw> draws;
  int64_t tokens = 0;

  // Keeps the lists' memory.
  void Clear();
};

// Decides what each engine step computes. One rule: a step closes the gap between the tokens that a sequence knows and
// those that are computed, under a budget of tokens and of sequences; first the running ones in the order of arrival,
// then the waiting ones. Pure logic: no clock, no thread, no device. Not thread-safe.
//
// Groups: the first sibling computes the prompt, the others wait for it, share its full pages and copy the last, partly
// filled one. One sibling at a time may write on in the original, so a group with G running siblings needs
//   floor(P / 64) + G * ceil((P mod 64 + T) / 64) pages and G - 1 copies    (P prompt tokens, T more per sibling).
//
// Pages run out: prompts that no running sequence uses are forgotten first, then the newest running sequence gives back
// all its pages and is computed again later; its known tokens stay. The last running one is never taken. A sequence
// that was preempted k times comes back when everybody has room for 64 * 2^(k-1) more tokens.
class Scheduler {
 public:
  explicit Scheduler(const SchedulerLimits& limits);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Adds `group_size` waiting sequences with one prompt; returns the number of the first, the others follow.
  //   max_tokens  prompt and completion at most; must fit into the pool
  SequenceId AddGroup(int64_t prompt_tokens, int64_t group_size, int64_t max_tokens);

  // The next step; valid until the next call. Empty where nothing waits or runs.
  const StepPlan& Plan();
  // The plan's tokens are computed. Call once for each plan, before Append() and Remove() of its draws.
  void Complete(const StepPlan& plan);
  // One more token of the sequence is known (it was sampled).
  void Append(SequenceId id);
  // The sequence is finished or not wanted any more: its slot and pages are free at once.
  void Remove(SequenceId id);
  // Forgets everything that was computed; all sequences wait to be computed again. Their known tokens stay.
  void RecomputeAll();

  int64_t running_sequences() const { return static_cast<int64_t>(running_.size()); }
  int64_t waiting_sequences() const { return static_cast<int64_t>(sequences_.size()) - running_sequences(); }
  int64_t preemptions() const { return preemptions_; }
  int64_t copies() const { return copies_; }
  // How often this sequence was preempted.
  int64_t preemptions(SequenceId id) const;
  const PageAllocator& pages() const { return pages_; }
  // Dies where references to pages do not equal what sequences and groups hold, or a budget is broken.
  void CheckInvariants() const;

 private:
  struct Group;
  struct Sequence;

  int64_t PagesOf(int64_t tokens) const { return (tokens + limits_.page_tokens - 1) / limits_.page_tokens; }
  Sequence& Find(SequenceId id);

  void PlanRunning();
  void PlanWaiting();
  void PlanSequence(Sequence& sequence, int64_t count);
  bool StartNext(Group& group);
  bool HasRoom(const Sequence& sequence, int64_t pages_at_hand);
  int64_t GrowthOfRunning(int64_t horizon) const;
  void StartLeader(Sequence& sequence);
  void StartSibling(Sequence& sequence);
  void MarkRunning(Sequence& sequence);
  bool Grow(Sequence& sequence, int64_t tokens);

  void KeepPrompt(Group& group, Sequence& from);
  void ForgetPrompt(Group& group);
  bool ForgetIdlePrompt(const Group* except);
  void StopRunning(Sequence& sequence);
  void Preempt(Sequence& sequence);
  void UpdateWaiting(Group& group);

  const SchedulerLimits limits_;
  PageAllocator pages_;
  std::unordered_map<SequenceId, std::unique_ptr<Sequence>> sequences_;
  std::vector<Sequence*> running_;               // in the order of arrival
  std::map<SequenceId, Group*> waiting_groups_;  // groups with waiting sequences, by their first number
  std::map<SequenceId, Group*> kept_prompts_;    // groups that hold their computed prompt
  std::map<SequenceId, std::unique_ptr<Group>> groups_;
  SequenceId next_id_ = 0;
  int64_t preemptions_ = 0;
  int64_t copies_ = 0;

  StepPlan plan_;
  int64_t budget_ = 0;
  bool preempted_in_plan_ = false;
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_SCHEDULER_H_
