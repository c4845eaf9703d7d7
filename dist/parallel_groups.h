#ifndef PLUMB_DIST_PARALLEL_GROUPS_H_
#define PLUMB_DIST_PARALLEL_GROUPS_H_

namespace plumb {

// Which processes work together. One process today; tensor, expert and data groups come here.
struct ParallelGroups {
  int rank = 0;
  int world_size = 1;
};

}  // namespace plumb

#endif  // PLUMB_DIST_PARALLEL_GROUPS_H_
