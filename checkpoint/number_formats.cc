#include "checkpoint/number_formats.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace plumb {
namespace {

constexpr uint32_t kMagnitude = 0x7fffffffu;
constexpr uint32_t kInfinity = 0x7f800000u;

uint32_t BitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

float FloatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// A narrow format with `kMantissa` bits of mantissa and the exponent bias `kBias`.
template <int kMantissa, int kBias>
struct Narrow {
  static constexpr int kDropped = 23 - kMantissa;

  // Bits of a magnitude that the format can hold, without its sign.
  static uint32_t Encode(float magnitude) {
    constexpr uint32_t kSmallestNormal = static_cast<uint32_t>(127 - kBias + 1) << 23;
    if (BitsOf(magnitude) < kSmallestNormal) {
      // The step of float32 at `kShift` is the format's smallest number: the addition rounds.
      constexpr uint32_t kShift = static_cast<uint32_t>(127 + 24 - kBias - kMantissa) << 23;
      return BitsOf(magnitude + FloatOf(kShift)) - kShift;
    }
    const uint32_t bits = BitsOf(magnitude);
    const uint32_t odd = (bits >> kDropped) & 1;
    return (bits - (static_cast<uint32_t>(127 - kBias) << 23) + (1u << (kDropped - 1)) - 1 + odd) >> kDropped;
  }

  static float Decode(uint32_t magnitude) {
    if (magnitude >> kMantissa == 0) {
      return std::ldexp(static_cast<float>(magnitude), 1 - kBias - kMantissa);
    }
    return FloatOf((magnitude << kDropped) + (static_cast<uint32_t>(127 - kBias) << 23));
  }
};
using Half = Narrow<10, 15>;
using E4M3 = Narrow<3, 7>;

uint16_t EncodeBFloat16(float value) {
  const uint32_t bits = BitsOf(value);
  if ((bits & kMagnitude) > kInfinity) return 0x7fc0;
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

uint16_t EncodeHalf(float value) {
  const uint32_t bits = BitsOf(value);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & kMagnitude;
  if (magnitude > kInfinity) return static_cast<uint16_t>(sign | 0x7e00);
  constexpr uint32_t kTooLarge = 0x477ff000u;  // 65520: halfway to what would follow the largest number, 65504
  if (magnitude >= kTooLarge) return static_cast<uint16_t>(sign | 0x7c00);
  return static_cast<uint16_t>(sign | Half::Encode(FloatOf(magnitude)));
}

float DecodeHalf(uint16_t code) {
  const uint32_t sign = static_cast<uint32_t>(code & 0x8000) << 16;
  const uint32_t magnitude = code & 0x7fff;
  if (magnitude >= 0x7c00) return FloatOf(sign | kInfinity | ((magnitude & 0x3ff) << 13));
  return FloatOf(sign | BitsOf(Half::Decode(magnitude)));
}

uint8_t EncodeE4M3(float value) {
  constexpr float kLargest = 448.0f;
  const uint32_t bits = BitsOf(value);
  const uint32_t sign = (bits >> 24) & 0x80;
  if ((bits & kMagnitude) > kInfinity) return static_cast<uint8_t>(sign | 0x7f);
  return static_cast<uint8_t>(sign | E4M3::Encode(std::min(FloatOf(bits & kMagnitude), kLargest)));
}

std::array<float, 256> DecodedE4M3() {
  std::array<float, 256> table;
  for (uint32_t code = 0; code < 256; ++code) {
    const uint32_t sign = (code & 0x80) << 24;
    const bool nan = (code & 0x7f) == 0x7f;
    table[code] = FloatOf(sign | (nan ? 0x7fc00000u : BitsOf(E4M3::Decode(code & 0x7f))));
  }
  return table;
}

std::array<float, 256> DecodedE8M0() {
  std::array<float, 256> table;
  for (int code = 0; code < 255; ++code) table[code] = std::ldexp(1.0f, code - 127);
  table[255] = std::nanf("");
  return table;
}

template <typename Code, typename Convert>
void DecodeEach(absl::Span<const std::byte> bytes, float* out, const Convert& convert) {
  const size_t count = bytes.size() / sizeof(Code);
  for (size_t i = 0; i < count; ++i) {
    Code code;
    std::memcpy(&code, bytes.data() + i * sizeof(Code), sizeof(Code));
    out[i] = convert(code);
  }
}

template <typename Code, typename Convert>
void EncodeEach(absl::Span<const float> values, std::byte* out, const Convert& convert) {
  for (size_t i = 0; i < values.size(); ++i) {
    const Code code = convert(values[i]);
    std::memcpy(out + i * sizeof(Code), &code, sizeof(Code));
  }
}

}  // namespace

bool IsFloatType(TensorType type) {
  return type == TensorType::kF32 || type == TensorType::kBF16 || type == TensorType::kF16 ||
         type == TensorType::kF8E4M3 || type == TensorType::kF8E8M0;
}

void ToFloats(TensorType type, absl::Span<const std::byte> bytes, float* out) {
  static const std::array<float, 256> e4m3 = DecodedE4M3();
  static const std::array<float, 256> e8m0 = DecodedE8M0();
  switch (type) {
    case TensorType::kF32:
      if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
      return;
    case TensorType::kBF16:
      return DecodeEach<uint16_t>(bytes, out, [](uint16_t code) { return FloatOf(static_cast<uint32_t>(code) << 16); });
    case TensorType::kF16:
      return DecodeEach<uint16_t>(bytes, out, DecodeHalf);
    case TensorType::kF8E4M3:
      return DecodeEach<uint8_t>(bytes, out, [](uint8_t code) { return e4m3[code]; });
    case TensorType::kF8E8M0:
      return DecodeEach<uint8_t>(bytes, out, [](uint8_t code) { return e8m0[code]; });
    default:
      PLUMB_CHECK(false) << TensorTypeName(type) << " is not a type of numbers that weights have";
  }
}

void FromFloats(TensorType type, absl::Span<const float> values, std::byte* out) {
  switch (type) {
    case TensorType::kF32:
      if (!values.empty()) std::memcpy(out, values.data(), values.size() * sizeof(float));
      return;
    case TensorType::kBF16:
      return EncodeEach<uint16_t>(values, out, EncodeBFloat16);
    case TensorType::kF16:
      return EncodeEach<uint16_t>(values, out, EncodeHalf);
    case TensorType::kF8E4M3:
      return EncodeEach<uint8_t>(values, out, EncodeE4M3);
    case TensorType::kF8E8M0:
      return EncodeEach<uint8_t>(values, out,
                                 [](float value) { return static_cast<uint8_t>(std::ilogb(value) + 127); });
    default:
      PLUMB_CHECK(false) << TensorTypeName(type) << " is not a type of numbers that weights have";
  }
}

}  // namespace plumb
