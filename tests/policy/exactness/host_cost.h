#ifndef PLUMB_TESTS_POLICY_EXACTNESS_HOST_COST_H_
#define PLUMB_TESTS_POLICY_EXACTNESS_HOST_COST_H_

#include <cstdint>

namespace plumb::testing {

// What this test's process has done so far, in all threads. The counts are made by operator new and by the entry to
// the OpenMP runtime, which this folder's test replaces; every tensor needs at least one of the former.
struct HostCost {
  int64_t allocations = 0;
  int64_t regions = 0;  // parallel

  static HostCost Now();
  HostCost operator-(const HostCost& before) const {
    return {allocations - before.allocations, regions - before.regions};
  }
};

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_POLICY_EXACTNESS_HOST_COST_H_
