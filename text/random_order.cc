#include "text/random_order.h"

#include <array>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/philox.h"

namespace plumb {
namespace {

// Uniform in [0, bound): the high half of a 64-bit draw times the bound. Its bias is below bound / 2^64.
int64_t Below(uint64_t bound, uint64_t seed, uint64_t epoch, uint64_t index) {
  const std::array<uint32_t, 4> bits = Philox4x32({static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
                                                   static_cast<uint32_t>(epoch), static_cast<uint32_t>(epoch >> 32)},
                                                  {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  const uint64_t draw = static_cast<uint64_t>(bits[0]) << 32 | bits[1];
  return static_cast<int64_t>((static_cast<unsigned __int128>(draw) * bound) >> 64);
}

}  // namespace

int64_t RandomOrder::Next() {
  PLUMB_CHECK(num_rows_ >= 1) << "num_rows is " << num_rows_;
  if (shuffled_epoch_ != epoch()) {
    shuffled_epoch_ = epoch();
    order_.resize(num_rows_);
    std::iota(order_.begin(), order_.end(), 0);
    for (int64_t i = num_rows_ - 1; i > 0; --i) std::swap(order_[i], order_[Below(i + 1, seed_, shuffled_epoch_, i)]);
  }
  return order_[position_++ % num_rows_];
}

}  // namespace plumb
