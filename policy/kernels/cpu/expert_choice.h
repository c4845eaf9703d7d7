#ifndef PLUMB_POLICY_KERNELS_CPU_EXPERT_CHOICE_H_
#define PLUMB_POLICY_KERNELS_CPU_EXPERT_CHOICE_H_

#include <cstdint>

namespace plumb::cpu {

// Which experts each row takes: the largest scores; the lower index wins a tie, and a number before what is none.
struct ExpertChoice {
  const float* scores = nullptr;  // [N, E]
  int64_t num_experts = 0;        // E
  int64_t per_row = 0;            // K
  // Above 1: only experts of the best groups, by their best expert or by the sum of their two best.
  int64_t num_groups = 1;
  int64_t groups_per_row = 1;
  bool two_best = false;
  int64_t* experts = nullptr;  // [N, K], ascending in each row
};

// Rows begin ... end - 1, in the caller's thread.
void ChooseExperts(const ExpertChoice& choice, int64_t begin, int64_t end);

// The weight of each chosen expert: its score; over the row's sum of them, in their order, where `normalise` says so;
// then times `factor`.
struct ExpertWeights {
  const float* scores = nullptr;     // [N, E]
  const int64_t* experts = nullptr;  // [N, K]
  float* weights = nullptr;          // [N, K]
  int64_t num_experts = 0;           // E
  int64_t per_row = 0;               // K
  bool normalise = false;
  float sum_epsilon = 0;  // added to the sum
  float factor = 1;
};

void WeighExperts(const ExpertWeights& rows, int64_t begin, int64_t end);

// Choices in the order of experts, then of rows.
struct ExpertOrder {
  const int64_t* experts = nullptr;  // [N, K]
  int64_t num_rows = 0;              // N
  int64_t per_row = 0;               // K
  int64_t num_experts = 0;           // E
  int64_t* starts = nullptr;         // [E + 1] first place of each expert
  int64_t* rows = nullptr;           // [N * K] row of each place
  int64_t* places = nullptr;         // [N, K] place of each choice
};

void SortByExpert(const ExpertOrder& order);

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_EXPERT_CHOICE_H_
