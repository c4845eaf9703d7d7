#include "rollout/weight_update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rollout/tiny_policy.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::HasSubstr;
using testing::OtherWeights;
using testing::StatusIs;
using testing::TinyWeights;

WeightForm TinyForm() { return {TinyWeights().config, at::kFloat, at::kCPU}; }

proto::BeginWeightsRequest RequestFor(const PolicyWeights& weights) {
  proto::BeginWeightsRequest request = DescribeWeights(weights, {"run", 3, WeightDigest(weights)});
  request.set_transport("chunks");
  return request;
}

// Sends every tensor in chunks of 1,000 bytes; `flip` is the tensor in which one bit is turned, -1 for none.
absl::Status SendAll(const PolicyWeights& weights, WeightUpdate& update, int flip = -1) {
  uint32_t index = 0;
  for (const PublishedTensor& tensor : PublishedTensors(weights)) {
    at::Tensor copy;
    std::string content(TensorContent(tensor.view, copy));
    if (static_cast<int>(index) == flip) content[0] ^= 1;
    for (size_t offset = 0; offset < content.size(); offset += 1000) {
      proto::WeightChunk chunk;
      chunk.set_tensor_index(index);
      chunk.set_offset(offset);
      chunk.set_content(content.substr(offset, 1000));
      const absl::Status written = update.Write(chunk);
      if (!written.ok()) return written;
    }
    ++index;
  }
  return absl::OkStatus();
}

TEST(WeightUpdateTest, ChunksGiveTheSameWeights) {
  const PolicyWeights sent = OtherWeights();
  ASSERT_OK_AND_ASSIGN(const auto update, WeightUpdate::Begin(RequestFor(sent), TinyForm()));
  ASSERT_OK(SendAll(sent, *update));
  ASSERT_OK_AND_ASSIGN(const PolicyWeights received, update->Finish());
  EXPECT_EQ(WeightDigest(received), WeightDigest(sent));
  EXPECT_NE(WeightDigest(received), WeightDigest(TinyWeights()));
}

TEST(WeightUpdateFaultTest, OneWrongBitIsRefused) {
  const PolicyWeights sent = OtherWeights();
  ASSERT_OK_AND_ASSIGN(const auto update, WeightUpdate::Begin(RequestFor(sent), TinyForm()));
  ASSERT_OK(SendAll(sent, *update, /*flip=*/5));
  EXPECT_THAT(update->Finish(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("digest")));
}

TEST(WeightUpdateFaultTest, MissingBytesAreRefusedByName) {
  const PolicyWeights sent = OtherWeights();
  ASSERT_OK_AND_ASSIGN(const auto update, WeightUpdate::Begin(RequestFor(sent), TinyForm()));
  EXPECT_THAT(update->Finish(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("model.embed_tokens.weight")));
}

TEST(WeightUpdateFaultTest, NamesATensorThatDoesNotFit) {
  const auto begin = [](const proto::BeginWeightsRequest& request) {
    return WeightUpdate::Begin(request, TinyForm()).status();
  };
  const auto invalid = [](const char* text) { return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text)); };
  const proto::BeginWeightsRequest good = RequestFor(TinyWeights());
  proto::BeginWeightsRequest bad = good;
  bad.mutable_tensors(0)->set_name("model.nothing");
  EXPECT_THAT(begin(bad), invalid("model.nothing"));
  bad = good;
  bad.mutable_tensors(0)->set_dtype("BF16");
  EXPECT_THAT(begin(bad), invalid("has type BF16"));
  bad = good;
  bad.mutable_tensors(0)->set_shape(0, 1);
  EXPECT_THAT(begin(bad), invalid("expected all of"));
  bad = good;
  bad.mutable_tensors()->RemoveLast();
  EXPECT_THAT(begin(bad), invalid("1 are missing"));
  bad = good;
  bad.set_transport("pigeon");
  EXPECT_THAT(begin(bad), invalid("pigeon"));
  bad = good;
  bad.set_transport("shared_memory");
  bad.set_shared_memory_path("/etc/passwd");
  EXPECT_THAT(begin(bad), invalid("/etc/passwd"));
}

TEST(WeightUpdateFaultTest, BytesBeyondATensorAreRefused) {
  const PolicyWeights sent = TinyWeights();
  ASSERT_OK_AND_ASSIGN(const auto update, WeightUpdate::Begin(RequestFor(sent), TinyForm()));
  proto::WeightChunk chunk;
  chunk.set_offset(uint64_t{1} << 40);
  chunk.set_content("x");
  EXPECT_THAT(update->Write(chunk),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("model.embed_tokens.weight")));
  chunk.set_tensor_index(100'000);
  EXPECT_THAT(update->Write(chunk), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tensor_index")));
}

}  // namespace
}  // namespace plumb
