#ifndef PLUMB_POLICY_MODEL_CONFIG_FIELDS_H_
#define PLUMB_POLICY_MODEL_CONFIG_FIELDS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/json.h"

namespace plumb {

inline constexpr char kConfigFile[] = "config.json";

// "config.json: KEY is FOUND, which is not supported; supported: SUPPORTED".
absl::Status UnsupportedField(absl::string_view key, absl::string_view found, absl::string_view supported);

// All errors as one, with the code of the first; OK where there is none.
absl::Status JoinErrors(absl::Span<const absl::Status> statuses);

// Reads fields of a JSON object one after the other and keeps the errors, each of which names its field. A field that
// is null counts as absent. Not thread-safe.
class FieldReader {
 public:
  // Borrows the object.
  explicit FieldReader(const Json& object) : object_(object) {}

  bool Has(absl::string_view key) const;
  int64_t Int(absl::string_view key, int64_t minimum);
  int64_t IntOr(absl::string_view key, int64_t minimum, int64_t fallback);
  // Finite, 0 or more.
  double Double(absl::string_view key);
  double DoubleOr(absl::string_view key, double fallback);
  bool BoolOr(absl::string_view key, bool fallback);
  std::string StringOr(absl::string_view key, std::string fallback);
  const absl::Status& status() const { return status_; }

 private:
  template <typename T>
  T Keep(absl::StatusOr<T> value, T fallback);
  void Fail(const absl::Status& status);

  const Json& object_;
  absl::Status status_;
};

// Refuses every field of config.json that is neither read nor known to leave the numbers alone: it could change them.
// Null fields and those that start with "_" are let through.
// Errors: kInvalidArgument naming the fields.
absl::Status CheckKnownFields(const Json& config);

// Demands the fields that codes fill in differently where they are missing, or otherwise than a reader would guess: of
// the router, the experts and the latent of queries. A null counts as given where it means "none".
// Errors: kInvalidArgument naming each field and what published configurations have.
absl::Status CheckGivenFields(const Json& config);

// Refuses known fields whose values ask for something that this code does not compute: another activation, biases of
// the feed-forward layers, dropout, sparse attention, heads that share keys.
absl::Status CheckSupportedValues(const Json& config);

}  // namespace plumb

#endif  // PLUMB_POLICY_MODEL_CONFIG_FIELDS_H_
