#ifndef PLUMB_POLICY_KERNELS_CPU_ROW_REGISTERS_H_
#define PLUMB_POLICY_KERNELS_CPU_ROW_REGISTERS_H_

#include <cstdint>

#include "policy/kernels/cpu/vec.h"

// A row as registers, the last of which may be short.
namespace plumb::cpu {

// Calls body(i, count) for each register of a row; `count` is less than a register's lanes in the last one alone.
template <Isa isa, typename Body>
PLUMB_VEC void ForRegisters(int64_t width, const Body& body) {
  constexpr int kLanes = Vec<isa>::kLanes;
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) body(i, kLanes);
  if (i < width) body(i, static_cast<int>(width - i));
}

template <Isa isa, typename T>
PLUMB_VEC typename Vec<isa>::Float LoadSome(const T* from, int count) {
  return count == Vec<isa>::kLanes ? Vec<isa>::Load(from) : Vec<isa>::LoadTail(from, count);
}

template <Isa isa, typename T>
PLUMB_VEC void StoreSome(T* to, typename Vec<isa>::Float value, int count) {
  if (count == Vec<isa>::kLanes) {
    Vec<isa>::Store(to, value);
  } else {
    Vec<isa>::StoreTail(to, value, count);
  }
}

// A register where lanes from `count` on are `filler`.
template <Isa isa>
PLUMB_VEC typename Vec<isa>::Float LoadFilled(const float* from, int count, float filler) {
  if (count == Vec<isa>::kLanes) return Vec<isa>::Load(from);
  alignas(64) float lanes[Vec<isa>::kLanes];
  Vec<isa>::Store(lanes, Vec<isa>::Set(filler));
  for (int lane = 0; lane < count; ++lane) lanes[lane] = from[lane];
  return Vec<isa>::Load(lanes);
}

inline constexpr float kFarBelow = -3.0e38f;

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ROW_REGISTERS_H_
