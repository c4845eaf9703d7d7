#include "base/philox.h"

namespace plumb {
namespace {

// Constants of the paper, table 2 and section 4.3.
constexpr uint32_t kMultiplier0 = 0xD2511F53;
constexpr uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9;
constexpr uint32_t kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

constexpr uint32_t Low(uint64_t value) { return static_cast<uint32_t>(value); }
constexpr uint32_t High(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

}  // namespace

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t product0 = static_cast<uint64_t>(kMultiplier0) * counter[0];
    const uint64_t product1 = static_cast<uint64_t>(kMultiplier1) * counter[2];
    counter = {High(product1) ^ counter[1] ^ key[0], Low(product1), High(product0) ^ counter[3] ^ key[1],
               Low(product0)};
    key = {key[0] + kWeyl0, key[1] + kWeyl1};
  }
  return counter;
}

float UniformFromBits(uint32_t bits) {
  // 23 bits plus one half have an exact float, so neither end can be reached by rounding.
  return (static_cast<float>(bits >> 9) + 0.5f) * 0x1p-23f;
}

uint64_t RowKey(absl::string_view row_id) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char character : row_id) {
    hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3ull;
  }
  hash ^= hash >> 32;
  hash *= 0xd6e8feb86659fd93ull;
  hash ^= hash >> 32;
  return hash;
}

std::array<uint32_t, 2> PhiloxKey(const SeedKey& seed) {
  std::array<uint32_t, 2> key = {Low(seed.run_seed), High(seed.run_seed)};
  const std::array<uint32_t, 4> row = Philox4x32({Low(seed.row_key), High(seed.row_key), seed.domain, 0}, key);
  key = {row[0], row[1]};
  const std::array<uint32_t, 4> sample =
      Philox4x32({Low(seed.visit), High(seed.visit), Low(seed.sample_index), High(seed.sample_index)}, key);
  return {sample[0], sample[1]};
}

float UniformAt(std::array<uint32_t, 2> key, uint64_t position, uint32_t draw) {
  const std::array<uint32_t, 4> bits = Philox4x32({Low(position), High(position), draw / 4, 0}, key);
  return UniformFromBits(bits[draw % 4]);
}

}  // namespace plumb
