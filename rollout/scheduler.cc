#include "rollout/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace plumb {

struct Scheduler::Sequence {
  SequenceId id = 0;
  Group* group = nullptr;
  int64_t known = 0;
  int64_t computed = 0;
  int64_t max_tokens = 0;
  int64_t preemptions = 0;
  bool running = false;
  std::vector<int32_t> pages;
};

struct Scheduler::Group {
  SequenceId first_id = 0;
  int64_t prompt_tokens = 0;
  std::map<SequenceId, Sequence*> members;
  std::map<SequenceId, Sequence*> waiting;
  Sequence* leader = nullptr;           // running, and its prompt is not computed yet
  std::vector<int32_t> prompt_pages;    // one reference each, held while siblings wait; empty: not kept
  Sequence* original_writer = nullptr;  // the sibling that writes on in the last of `prompt_pages`
};

namespace {

template <typename Sequence>
bool Older(const Sequence* left, const Sequence* right) {
  return left->id < right->id;
}

}  // namespace

Scheduler::Scheduler(const SchedulerLimits& limits) : limits_(limits), pages_(limits.num_pages) {
  PLUMB_CHECK(limits.max_running_sequences > 0 && limits.max_step_tokens > 0) << "a budget is not above 0";
}

Scheduler::~Scheduler() = default;

SequenceId Scheduler::AddGroup(int64_t prompt_tokens, int64_t group_size, int64_t max_tokens) {
  PLUMB_CHECK(prompt_tokens > 0 && group_size > 0 && max_tokens > prompt_tokens);
  PLUMB_CHECK(PagesOf(max_tokens) < limits_.num_pages) << max_tokens << " tokens do not fit into the pool";
  auto group = std::make_unique<Group>();
  group->first_id = next_id_;
  group->prompt_tokens = prompt_tokens;
  for (int64_t i = 0; i < group_size; ++i) {
    auto sequence = std::make_unique<Sequence>();
    sequence->id = next_id_++;
    sequence->group = group.get();
    sequence->known = prompt_tokens;
    sequence->max_tokens = max_tokens;
    group->members[sequence->id] = sequence.get();
    group->waiting[sequence->id] = sequence.get();
    sequences_[sequence->id] = std::move(sequence);
  }
  UpdateWaiting(*group);
  const SequenceId first_id = group->first_id;
  groups_[first_id] = std::move(group);
  return first_id;
}

void StepPlan::Clear() {
  copy_from.clear();
  copy_to.clear();
  sequences.clear();
  draws.clear();
  tokens = 0;
}

const StepPlan& Scheduler::Plan() {
  plan_.Clear();
  budget_ = limits_.max_step_tokens;
  preempted_in_plan_ = false;
  PlanRunning();
  // Pages that were just taken from a sequence must not go to one that is newer.
  if (!preempted_in_plan_) PlanWaiting();
  return plan_;
}

void Scheduler::PlanRunning() {
  // Preemption takes sequences from the end, which this loop has not reached: the running ones are in order of age.
  for (size_t i = 0; i < running_.size() && budget_ > 0; ++i) {
    Sequence& sequence = *running_[i];
    const int64_t count = std::min(sequence.known - sequence.computed, budget_);
    if (!Grow(sequence, sequence.computed + count)) return;
    PlanSequence(sequence, count);
  }
}

void Scheduler::PlanWaiting() {
  auto next = waiting_groups_.begin();
  while (next != waiting_groups_.end()) {
    Group& group = *next->second;
    ++next;  // the group leaves the map when its last sequence starts
    while (!group.waiting.empty()) {
      if (budget_ == 0 || running_sequences() == limits_.max_running_sequences) return;
      if (group.leader != nullptr) break;
      // Strictly in the order of arrival: nobody overtakes the one that does not fit.
      if (!StartNext(group)) return;
    }
  }
}

void Scheduler::PlanSequence(Sequence& sequence, int64_t count) {
  if (count == 0) return;
  const int64_t entry = static_cast<int64_t>(plan_.sequences.size());
  plan_.sequences.push_back({sequence.id, sequence.computed, count, &sequence.pages});
  plan_.tokens += count;
  budget_ -= count;
  if (sequence.computed + count < sequence.known) return;
  if (sequence.known > sequence.group->prompt_tokens) {
    plan_.draws.push_back({entry, sequence.id});
    return;
  }
  for (const auto& [id, sibling] : sequence.group->members) plan_.draws.push_back({entry, id});
}

// Starts the oldest waiting sequence of the group; false where pages are missing.
bool Scheduler::StartNext(Group& group) {
  Sequence& sequence = *group.waiting.begin()->second;
  if (group.prompt_pages.empty() && group.members.size() > group.waiting.size()) {
    // Siblings run, and none is the leader: each has the prompt.
    for (Sequence* member : running_) {
      if (member->group == &group) {
        KeepPrompt(group, *member);
        break;
      }
    }
  }
  int64_t at_hand = static_cast<int64_t>(group.prompt_pages.size());
  const bool partial = group.prompt_tokens % limits_.page_tokens != 0;
  if (at_hand > 0 && partial && group.original_writer != nullptr) --at_hand;
  if (!HasRoom(sequence, at_hand)) return false;
  if (group.prompt_pages.empty()) {
    StartLeader(sequence);
  } else {
    StartSibling(sequence);
  }
  const int64_t count = std::min(sequence.known - sequence.computed, budget_);
  const bool grown = Grow(sequence, sequence.computed + count);
  PLUMB_CHECK(grown) << "sequence " << sequence.id << " started without room";
  PlanSequence(sequence, count);
  return true;
}

bool Scheduler::HasRoom(const Sequence& sequence, int64_t pages_at_hand) {
  const int64_t times = std::min<int64_t>(sequence.preemptions, 30);
  const int64_t horizon = times == 0 ? 0 : limits_.page_tokens << (times - 1);
  const int64_t tokens = std::min(sequence.known + 1 + horizon, sequence.max_tokens);
  const int64_t needed = PagesOf(tokens) - pages_at_hand + GrowthOfRunning(horizon);
  while (pages_.free_pages() < needed) {
    if (!ForgetIdlePrompt(sequence.group)) return false;
  }
  return true;
}

// Pages that the running sequences will take until each has `horizon` more tokens.
int64_t Scheduler::GrowthOfRunning(int64_t horizon) const {
  if (horizon == 0) return 0;
  int64_t growth = 0;
  for (const Sequence* sequence : running_) {
    const int64_t tokens = std::min(sequence->known + horizon, sequence->max_tokens);
    growth += PagesOf(tokens) - static_cast<int64_t>(sequence->pages.size());
  }
  return growth;
}

void Scheduler::StartLeader(Sequence& sequence) {
  MarkRunning(sequence);
  sequence.group->leader = &sequence;
}

void Scheduler::StartSibling(Sequence& sequence) {
  Group& group = *sequence.group;
  const int64_t full_pages = group.prompt_tokens / limits_.page_tokens;
  for (int64_t i = 0; i < full_pages; ++i) {
    pages_.Share(group.prompt_pages[i]);
    sequence.pages.push_back(group.prompt_pages[i]);
  }
  if (full_pages < static_cast<int64_t>(group.prompt_pages.size())) {
    const int32_t original = group.prompt_pages.back();
    if (group.original_writer == nullptr) {
      pages_.Share(original);
      sequence.pages.push_back(original);
      group.original_writer = &sequence;
    } else {
      sequence.pages.push_back(pages_.Allocate());
      plan_.copy_from.push_back(original);
      plan_.copy_to.push_back(sequence.pages.back());
      ++copies_;
    }
  }
  sequence.computed = group.prompt_tokens;
  MarkRunning(sequence);
}

void Scheduler::MarkRunning(Sequence& sequence) {
  sequence.running = true;
  running_.insert(std::upper_bound(running_.begin(), running_.end(), &sequence, Older<Sequence>), &sequence);
  sequence.group->waiting.erase(sequence.id);
  UpdateWaiting(*sequence.group);
}

// Gives the sequence pages for its first `tokens` tokens; false where it was preempted for want of them.
bool Scheduler::Grow(Sequence& sequence, int64_t tokens) {
  const int64_t missing = PagesOf(tokens) - static_cast<int64_t>(sequence.pages.size());
  while (pages_.free_pages() < missing) {
    if (ForgetIdlePrompt(nullptr)) continue;
    Sequence& newest = *running_.back();
    if (&newest != &sequence) {
      Preempt(newest);
    } else if (running_.size() > 1) {
      Preempt(sequence);
      return false;
    } else {
      // Alone, and its group still holds a page that waiting siblings would copy.
      PLUMB_CHECK(!sequence.group->prompt_pages.empty()) << "the pool is too small for sequence " << sequence.id;
      ForgetPrompt(*sequence.group);
    }
  }
  for (int64_t i = 0; i < missing; ++i) sequence.pages.push_back(pages_.Allocate());
  return true;
}

void Scheduler::Complete(const StepPlan& plan) {
  for (const PlannedSequence& planned : plan.sequences) {
    Sequence& sequence = Find(planned.id);
    sequence.computed += planned.count;
    Group& group = *sequence.group;
    if (group.leader != &sequence || sequence.computed < group.prompt_tokens) continue;
    group.leader = nullptr;
    if (!group.waiting.empty() && group.prompt_pages.empty()) KeepPrompt(group, sequence);
  }
}

void Scheduler::Append(SequenceId id) {
  Sequence& sequence = Find(id);
  ++sequence.known;
  PLUMB_CHECK(sequence.known <= sequence.max_tokens) << "sequence " << id << " has more than its longest";
}

void Scheduler::Remove(SequenceId id) {
  Sequence& sequence = Find(id);
  Group& group = *sequence.group;
  if (sequence.running) StopRunning(sequence);
  group.waiting.erase(id);
  group.members.erase(id);
  UpdateWaiting(group);
  sequences_.erase(id);
  if (group.members.empty()) groups_.erase(group.first_id);
}

void Scheduler::RecomputeAll() {
  while (!running_.empty()) {
    Sequence& sequence = *running_.back();
    StopRunning(sequence);
    sequence.group->waiting[sequence.id] = &sequence;
    UpdateWaiting(*sequence.group);
  }
  while (!kept_prompts_.empty()) ForgetPrompt(*kept_prompts_.begin()->second);
}

// The group holds the prompt's pages of `from` until no sibling waits.
void Scheduler::KeepPrompt(Group& group, Sequence& from) {
  const int64_t count = PagesOf(group.prompt_tokens);
  group.prompt_pages.assign(from.pages.begin(), from.pages.begin() + count);
  for (const int32_t page : group.prompt_pages) pages_.Share(page);
  group.original_writer = &from;
  kept_prompts_[group.first_id] = &group;
}

void Scheduler::ForgetPrompt(Group& group) {
  for (const int32_t page : group.prompt_pages) pages_.Release(page);
  group.prompt_pages.clear();
  group.original_writer = nullptr;
  kept_prompts_.erase(group.first_id);
}

// Forgets the newest kept prompt that no running sequence shares; false where there is none.
bool Scheduler::ForgetIdlePrompt(const Group* except) {
  for (auto entry = kept_prompts_.rbegin(); entry != kept_prompts_.rend(); ++entry) {
    Group& group = *entry->second;
    if (&group == except || group.members.size() > group.waiting.size()) continue;
    ForgetPrompt(group);
    return true;
  }
  return false;
}

void Scheduler::StopRunning(Sequence& sequence) {
  for (const int32_t page : sequence.pages) pages_.Release(page);
  sequence.pages.clear();
  sequence.computed = 0;
  sequence.running = false;
  running_.erase(std::lower_bound(running_.begin(), running_.end(), &sequence, Older<Sequence>));
  Group& group = *sequence.group;
  if (group.leader == &sequence) group.leader = nullptr;
  if (group.original_writer == &sequence) group.original_writer = nullptr;
}

void Scheduler::Preempt(Sequence& sequence) {
  StopRunning(sequence);
  ++sequence.preemptions;
  ++preemptions_;
  preempted_in_plan_ = true;
  sequence.group->waiting[sequence.id] = &sequence;
  UpdateWaiting(*sequence.group);
}

// Keeps the list of waiting groups, and the prompts that they hold, in step with the group's waiting sequences.
void Scheduler::UpdateWaiting(Group& group) {
  if (!group.waiting.empty()) {
    waiting_groups_[group.first_id] = &group;
    return;
  }
  waiting_groups_.erase(group.first_id);
  if (!group.prompt_pages.empty()) ForgetPrompt(group);
}

Scheduler::Sequence& Scheduler::Find(SequenceId id) {
  const auto found = sequences_.find(id);
  PLUMB_CHECK(found != sequences_.end()) << "no sequence " << id;
  return *found->second;
}

int64_t Scheduler::preemptions(SequenceId id) const {
  const auto found = sequences_.find(id);
  return found == sequences_.end() ? 0 : found->second->preemptions;
}

void Scheduler::CheckInvariants() const {
  std::vector<int32_t> references(limits_.num_pages, 0);
  for (const auto& [id, sequence] : sequences_) {
    for (const int32_t page : sequence->pages) ++references[page];
    PLUMB_CHECK(sequence->running || sequence->pages.empty()) << "waiting sequence " << id << " holds pages";
    PLUMB_CHECK(sequence->computed <= sequence->known) << "sequence " << id;
  }
  for (const auto& [id, group] : groups_) {
    for (const int32_t page : group->prompt_pages) ++references[page];
    PLUMB_CHECK(group->prompt_pages.empty() || !group->waiting.empty())
        << "group " << id << " keeps a prompt for nobody";
  }
  for (int64_t page = 0; page < limits_.num_pages; ++page) {
    PLUMB_CHECK(references[page] == pages_.references(page))
        << "page " << page << ": " << pages_.references(page) << " references, held " << references[page];
  }
  PLUMB_CHECK(pages_.free_pages() + pages_.used_pages() + 1 == limits_.num_pages);
  PLUMB_CHECK(running_sequences() <= limits_.max_running_sequences);
}

}  // namespace plumb
