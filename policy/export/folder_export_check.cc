#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/interrupt.h"
#include "base/status_macros.h"
#include "policy/export/folder_export.h"

namespace plumb {
namespace {

absl::Status Differs(const std::string& path, absl::string_view name, absl::string_view how) {
  return absl::DataLossError(absl::StrCat("the export ", path, " is wrong: ", name, ": ", how));
}

// Compares a stream with the bytes of a file as they come.
absl::Status CompareBytes(const StreamedTensor& expected, absl::Span<const std::byte> found, const std::string& path) {
  size_t offset = 0;
  RETURN_IF_ERROR(expected.stream([&](absl::Span<const std::byte> bytes) -> absl::Status {
    const bool fits = bytes.size() <= found.size() - offset;
    if (!fits || (!bytes.empty() && std::memcmp(found.data() + offset, bytes.data(), bytes.size()) != 0)) {
      return Differs(path, expected.name, "its bytes are not those of a second conversion");
    }
    offset += bytes.size();
    return absl::OkStatus();
  }));
  ReleasePages(found);
  return offset == found.size() ? absl::OkStatus() : Differs(path, expected.name, "has bytes left over");
}

// What an export may change in config.json, taken away, in one spelling; the order of keys does not count.
nlohmann::json Comparable(const Json& config) {
  // By way of the hub's, for a file may say the same in both.
  Json comparable = WithSpelling(WithSpelling(config, ConfigSpelling::kHub), ConfigSpelling::kTransformers5);
  for (const char* key : {"dtype", "torch_dtype", "quantization_config", "num_nextn_predict_layers"}) {
    comparable.erase(key);
  }
  return comparable;
}

// `before` in the source has become `read`, and one of them is not finite.
absl::Status NotFinite(const PlacedWeight& after, float before, float read) {
  if (!std::isfinite(before)) {
    return absl::InvalidArgumentError(absl::StrCat(after.name, ": has numbers that are not finite, such as ", before));
  }
  return absl::InvalidArgumentError(absl::StrCat(after.name, ": ", before, " becomes ", read, " in ",
                                                 TensorTypeName(after.rows.weight.type()),
                                                 ", which does not hold it; export to a wider type"));
}

// The largest change of a weight between two places, as a share of the tensor's largest magnitude; 0 where all numbers
// are equal. All numbers have to be finite.
absl::StatusOr<double> LargestChange(const PlacedWeight& before, const PlacedWeight& after) {
  double change = 0.0;
  double largest = 0.0;
  const int64_t row_size = before.rows.weight.row_size();
  std::vector<float> read;
  RETURN_IF_ERROR(ForEachPiece(before.rows, [&](int64_t first, absl::Span<const float> values) -> absl::Status {
    const int64_t count = row_size == 0 ? 0 : static_cast<int64_t>(values.size()) / row_size;
    read.resize(values.size());
    after.rows.weight.ReadRows(after.rows.first_row + first, count, read.data());
    ReleasePages(after.rows.weight.RowBytes(after.rows.first_row + first, count));
    for (size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i]) || !std::isfinite(read[i])) return NotFinite(after, values[i], read[i]);
      change = std::max(change, std::fabs(static_cast<double>(values[i]) - static_cast<double>(read[i])));
      largest = std::max(largest, std::fabs(static_cast<double>(values[i])));
    }
    return absl::OkStatus();
  }));
  return change == 0.0 ? 0.0 : change / std::max(largest, 1e-30);
}

}  // namespace

absl::StatusOr<ExportCheck> FolderExport::Check(const std::string& path) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<ModelFolder> written, ModelFolder::Open(path));
  RETURN_IF_ERROR(CheckConfig(*written));
  RETURN_IF_ERROR(CheckTensors(*written));
  ExportCheck check;
  check.num_tensors = static_cast<int64_t>(written->names().size());
  for (const std::string& name : written->names()) {
    ASSIGN_OR_RETURN(const TensorBytes tensor, written->Find(name));
    check.num_bytes += static_cast<int64_t>(tensor.bytes.size());
  }
  RETURN_IF_ERROR(CompareWeights(*written, check));
  return check;
}

absl::Status FolderExport::CheckConfig(const ModelFolder& written) const {
  if (Comparable(written.config()) == Comparable(source_->config())) return absl::OkStatus();
  return Differs(written.path(), "config.json", "fields that an export does not change have changed");
}

absl::Status FolderExport::CheckTensors(const ModelFolder& written) const {
  std::set<std::string> extra(written.names().begin(), written.names().end());
  for (const StreamedTensor& expected : content_.tensors) {
    const absl::StatusOr<TensorBytes> found = written.Find(expected.name);
    if (!found.ok()) return Differs(written.path(), expected.name, "missing");
    if (found->type != expected.type || found->shape != expected.shape) {
      return Differs(
          written.path(), expected.name,
          absl::StrCat("is ", TensorTypeName(found->type), " [", absl::StrJoin(found->shape, ", "), "], expected ",
                       TensorTypeName(expected.type), " [", absl::StrJoin(expected.shape, ", "), "]"));
    }
    RETURN_IF_ERROR(CompareBytes(expected, found->bytes, written.path()));
    extra.erase(expected.name);
  }
  return extra.empty() ? absl::OkStatus() : Differs(written.path(), *extra.begin(), "should not be there");
}

absl::Status FolderExport::CompareWeights(const ModelFolder& written, ExportCheck& check) const {
  ASSIGN_OR_RETURN(const ModelConfig config, ParseModelConfig(written.config()));
  const FolderLayout layout = FindLayout(written, config);
  RETURN_IF_ERROR(Annotate(layout.FirstProblem(), written.path()));
  if (layout.trunk.size() != layout_.trunk.size() || layout.mtp.size() != layout_.mtp.size()) {
    return Differs(written.path(), "the model", "has another number of tensors");
  }
  const auto compare = [&](const PlacedWeight& before, const PlacedWeight& after) -> absl::Status {
    if (InterruptRequested())
      return absl::CancelledError(absl::StrCat("interrupted before the check of ", before.name));
    ASSIGN_OR_RETURN(const double change, LargestChange(before, after));
    if (change == 0.0) return absl::OkStatus();
    check.lossless = false;
    if (change > check.largest_change) {
      check.largest_change = change;
      check.where = before.name;
    }
    return absl::OkStatus();
  };
  for (size_t i = 0; i < layout.trunk.size(); ++i) RETURN_IF_ERROR(compare(layout_.trunk[i], layout.trunk[i]));
  for (size_t i = 0; i < layout.mtp.size(); ++i) RETURN_IF_ERROR(compare(layout_.mtp[i], layout.mtp[i]));
  return absl::OkStatus();
}

}  // namespace plumb
