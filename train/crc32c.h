#ifndef PLUMB_TRAIN_CRC32C_H_
#define PLUMB_TRAIN_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace plumb {

// The CRC-32C (Castagnoli) checksum. Source: RFC 3720, section 12.1.
uint32_t Crc32c(absl::string_view bytes);

// As record files hold it: the checksum turned right by 15 bits, plus 0xa282ead8.
uint32_t MaskedCrc32c(absl::string_view bytes);

}  // namespace plumb

#endif  // PLUMB_TRAIN_CRC32C_H_
