#include "rollout/weight_update.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/torch_guard.h"

namespace plumb {
namespace {

absl::string_view WireType(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return "F32";
    case at::kBFloat16:
      return "BF16";
    default:
      return "unsupported";
  }
}

template <typename Values>
std::string ShapeText(const Values& shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

std::string HexDigest(uint64_t digest) { return absl::StrCat(absl::Hex(digest, absl::kZeroPad16)); }

PolicyWeights ToDevice(const PolicyWeights& weights, at::Device device) {
  PolicyWeights moved = weights;
  for (const NamedBuffer& buffer : Buffers(moved)) *buffer.tensor = buffer.tensor->to(device);
  if (moved.config.tie_word_embeddings) moved.lm_head = moved.embed;
  return moved;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WeightUpdate>> WeightUpdate::Begin(const proto::BeginWeightsRequest& request,
                                                                  const WeightForm& form) {
  std::unique_ptr<WeightUpdate> update(new WeightUpdate());
  update->version_ = {request.version().incarnation(), request.version().step(), request.version().digest()};
  if (request.transport() == "shared_memory") {
    const std::string& path = request.shared_memory_path();
    if (!absl::StartsWith(path, kSharedMemoryPrefix) || absl::StrContains(path, "..")) {
      return absl::InvalidArgumentError(
          absl::StrCat("shared_memory_path: is '", path, "', expected a file ", kSharedMemoryPrefix, "*"));
    }
    update->shared_memory_path_ = path;
  } else if (request.transport() != "chunks") {
    return absl::InvalidArgumentError(
        absl::StrCat("transport: is '", request.transport(), "', expected chunks or shared_memory"));
  }
  update->device_ = form.device;
  RETURN_IF_ERROR(CatchTorchStatus("staging new weights", [&]() -> absl::Status {
    update->staged_ = AllocateWeights(form.config, form.dtype, at::kCPU);
    return absl::OkStatus();
  }));
  std::map<std::string, at::Tensor> expected;
  for (PublishedTensor& tensor : PublishedTensors(update->staged_)) expected[tensor.name] = tensor.view;
  for (const proto::TensorSlice& slice : request.tensors()) RETURN_IF_ERROR(update->AddTarget(slice, expected));
  if (!expected.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensors: ", expected.size(), " are missing, the first is '", expected.begin()->first, "'"));
  }
  return update;
}

// Takes the tensor from `expected`, so that a second one of its name is not there any more.
absl::Status WeightUpdate::AddTarget(const proto::TensorSlice& slice, std::map<std::string, at::Tensor>& expected) {
  const auto found = expected.find(slice.name());
  if (found == expected.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensors: '", slice.name(), "' is given twice, or the model does not have it"));
  }
  const at::Tensor view = found->second;
  const at::IntArrayRef shape = view.sizes();
  const bool whole = std::equal(shape.begin(), shape.end(), slice.global_shape().begin(), slice.global_shape().end()) &&
                     std::equal(shape.begin(), shape.end(), slice.shape().begin(), slice.shape().end());
  if (!whole) {
    return absl::InvalidArgumentError(absl::StrCat(slice.name(), ": has shape ", ShapeText(slice.shape()), " of ",
                                                   ShapeText(slice.global_shape()), ", expected all of ",
                                                   ShapeText(shape)));
  }
  if (slice.dtype() != WireType(view.scalar_type())) {
    return absl::InvalidArgumentError(absl::StrCat(slice.name(), ": has type ", slice.dtype(),
                                                   ", this worker computes in ", WireType(view.scalar_type()),
                                                   "; give trainer and worker the same dtype"));
  }
  targets_.push_back({slice.name(), view, 0});
  expected.erase(found);
  return absl::OkStatus();
}

absl::Status WeightUpdate::Write(const proto::WeightChunk& chunk) {
  if (chunk.tensor_index() >= targets_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor_index: is ", chunk.tensor_index(), ", the update has ", targets_.size(), " tensors"));
  }
  return WriteBytes(targets_[chunk.tensor_index()], chunk.offset(), chunk.content());
}

absl::Status WeightUpdate::WriteBytes(Target& target, uint64_t offset, absl::string_view content) {
  const uint64_t size = static_cast<uint64_t>(target.view.numel()) * target.view.element_size();
  if (offset > size || content.size() > size - offset) {
    return absl::InvalidArgumentError(absl::StrCat(target.name, ": bytes ", offset, " to ", offset + content.size(),
                                                   " are beyond its ", size, " bytes"));
  }
  // Every published view of a buffer is one run of memory: rows of a stacked buffer.
  if (!target.view.is_contiguous()) return absl::InternalError(absl::StrCat(target.name, ": is not contiguous"));
  if (!content.empty()) {
    std::memcpy(static_cast<char*>(target.view.data_ptr()) + offset, content.data(), content.size());
  }
  target.received += static_cast<int64_t>(content.size());
  received_bytes_ += content.size();
  return absl::OkStatus();
}

absl::Status WeightUpdate::ReadSharedMemory() {
  ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> file, MappedFile::Open(shared_memory_path_));
  const absl::string_view content(reinterpret_cast<const char*>(file->bytes()), file->size());
  size_t offset = 0;
  for (Target& target : targets_) {
    const size_t size = static_cast<size_t>(target.view.numel()) * target.view.element_size();
    if (size > content.size() - offset) {
      return absl::DataLossError(absl::StrCat(shared_memory_path_, ": ends inside ", target.name));
    }
    RETURN_IF_ERROR(WriteBytes(target, 0, content.substr(offset, size)));
    offset += size;
  }
  return absl::OkStatus();
}

absl::StatusOr<PolicyWeights> WeightUpdate::Finish() {
  if (!shared_memory_path_.empty()) RETURN_IF_ERROR(ReadSharedMemory());
  for (const Target& target : targets_) {
    const int64_t size = target.view.numel() * static_cast<int64_t>(target.view.element_size());
    if (target.received < size) {
      return absl::DataLossError(absl::StrCat(target.name, ": ", target.received, " of ", size, " bytes came"));
    }
  }
  return CatchTorch("new weights", [&]() -> absl::StatusOr<PolicyWeights> {
    const at::NoGradGuard no_gradients;
    PolicyWeights finished = ToDevice(staged_, device_);
    const uint64_t digest = WeightDigest(finished);
    if (digest != version_.digest) {
      return absl::DataLossError(absl::StrCat("the weights that came have digest ", HexDigest(digest), ", expected ",
                                              HexDigest(version_.digest), " for step ", version_.step));
    }
    return finished;
  });
}

absl::string_view TensorContent(const at::Tensor& view, at::Tensor& copy) {
  copy = view.detach().cpu().contiguous();
  return absl::string_view(static_cast<const char*>(copy.data_ptr()),
                           static_cast<size_t>(copy.numel()) * copy.element_size());
}

proto::BeginWeightsRequest DescribeWeights(const PolicyWeights& weights, const WeightVersion& version) {
  proto::BeginWeightsRequest request;
  request.mutable_version()->set_incarnation(version.incarnation);
  request.mutable_version()->set_step(version.step);
  request.mutable_version()->set_digest(version.digest);
  for (const PublishedTensor& tensor : PublishedTensors(weights)) {
    proto::TensorSlice& slice = *request.add_tensors();
    slice.set_name(tensor.name);
    for (const int64_t size : tensor.view.sizes()) {
      slice.add_global_shape(size);
      slice.add_offset(0);
      slice.add_shape(size);
    }
    slice.set_dtype(std::string(WireType(tensor.view.scalar_type())));
  }
  return request;
}

}  // namespace plumb
