#include "policy/export/folder_export.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "base/file.h"
#include "base/status_macros.h"
#include "policy/policy_folder.h"
#include "policy/weights.h"
#include "tests/policy/export/mtp_folder.h"
#include "tests/policy/golden_model.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using testing::ExpectSameFolders;
using testing::GoldenModelNames;
using testing::GoldenPath;
using ::testing::HasSubstr;
using testing::MustReadJson;
using testing::PlainGoldenModelNames;
using testing::StatusIs;
using testing::TestFolder;

// Exports `source` in the form to `path` and checks it.
absl::StatusOr<ExportCheck> Export(const std::string& source, const ExportForm& form, const std::string& path) {
  ASSIGN_OR_RETURN(std::shared_ptr<const ModelFolder> folder, ModelFolder::Open(source));
  ASSIGN_OR_RETURN(const std::unique_ptr<FolderExport> plan, FolderExport::Plan(folder, form));
  RETURN_IF_ERROR(plan->Write(path));
  return plan->Check(path);
}

uint64_t DigestOf(const std::string& path) { return WeightDigest(*LoadPolicyFolder(path, at::kFloat, at::kCPU)); }

class FolderExportPropertyTest : public ::testing::TestWithParam<std::string> {
 protected:
  std::string Source() const { return GoldenPath("models/" + GetParam()); }
  TestFolder first_;
  TestFolder second_;
};
INSTANTIATE_TEST_SUITE_P(Models, FolderExportPropertyTest, ::testing::ValuesIn(GoldenModelNames()),
                         [](const auto& model) { return model.param; });

TEST_P(FolderExportPropertyTest, TheSameFormIsByteForByteTheSame) {
  ASSERT_OK_AND_ASSIGN(const ExportCheck check, Export(Source(), {}, first_.path()));
  EXPECT_TRUE(check.lossless);
  ExpectSameFolders(Source(), first_.path());
  EXPECT_EQ(MustReadJson(first_.File("generation_config.json")), MustReadJson(Source() + "/generation_config.json"));
}

TEST_P(FolderExportPropertyTest, ThereAndBackInShardsIsByteForByteTheSame) {
  ASSERT_OK(Export(Source(), {.max_shard_bytes = 100'000}, first_.path()));
  EXPECT_TRUE(FileExists(first_.File("model.safetensors.index.json")));
  ASSERT_OK(Export(first_.path(), {}, second_.path()));
  ExpectSameFolders(Source(), second_.path());
}

TEST_P(FolderExportPropertyTest, ThereAndBackInTheOtherSpellingHasTheSameKeys) {
  const ConfigSpelling own = SpellingOf(MustReadJson(Source() + "/config.json"));
  const ConfigSpelling other = own == ConfigSpelling::kHub ? ConfigSpelling::kTransformers5 : ConfigSpelling::kHub;
  ASSERT_OK(Export(Source(), {.spelling = other}, first_.path()));
  EXPECT_EQ(SpellingOf(MustReadJson(first_.File("config.json"))), other);
  EXPECT_EQ(DigestOf(first_.path()), DigestOf(Source()));
  ASSERT_OK(Export(first_.path(), {.spelling = own}, second_.path()));
  EXPECT_EQ(nlohmann::json(MustReadJson(second_.File("config.json"))),
            nlohmann::json(MustReadJson(Source() + "/config.json")));
}

TEST_P(FolderExportPropertyTest, Float32HoldsEveryOtherForm) {
  ASSERT_OK_AND_ASSIGN(const ExportCheck check, Export(Source(), {.type = TensorType::kF32}, first_.path()));
  EXPECT_TRUE(check.lossless);
  EXPECT_EQ(DigestOf(first_.path()), DigestOf(Source()));
  EXPECT_FALSE(MustReadJson(first_.File("config.json")).contains("quantization_config"));
}

class PlainExportPropertyTest : public FolderExportPropertyTest {};
INSTANTIATE_TEST_SUITE_P(Models, PlainExportPropertyTest, ::testing::ValuesIn(PlainGoldenModelNames()),
                         [](const auto& model) { return model.param; });

TEST_P(PlainExportPropertyTest, ThereAndBackWithFusedExpertsIsByteForByteTheSame) {
  ASSERT_OK_AND_ASSIGN(const ExportCheck check, Export(Source(), {.fused_experts = true}, first_.path()));
  EXPECT_TRUE(check.lossless);
  EXPECT_EQ(DigestOf(first_.path()), DigestOf(Source()));
  ASSERT_OK_AND_ASSIGN(const auto fused, ModelFolder::Open(first_.path()));
  const int64_t layer = ParseModelConfig(fused->config())->first_dense_layers;
  EXPECT_TRUE(fused->Has("model.layers." + std::to_string(layer) + ".mlp.experts.gate_up_proj"));
  ASSERT_OK(Export(first_.path(), {.fused_experts = false}, second_.path()));
  ExpectSameFolders(Source(), second_.path());
}

TEST(FolderExportTest, Bfloat16ThereAndBackThroughFloat32IsByteForByteTheSame) {
  const TestFolder first;
  const TestFolder second;
  const std::string source = GoldenPath("models/v3_sharded_bf16");
  ASSERT_OK(Export(source, {.type = TensorType::kF32}, first.path()));
  ASSERT_OK(Export(first.path(), {.type = TensorType::kBF16}, second.path()));
  ExpectSameFolders(source, second.path());
}

TEST(FolderExportTest, NarrowTypesRoundEachWeightOnce) {
  const TestFolder half;
  const TestFolder brain;
  const std::string source = GoldenPath("models/v3_fp32");
  ASSERT_OK_AND_ASSIGN(const ExportCheck to_half, Export(source, {.type = TensorType::kF16}, half.path()));
  ASSERT_OK_AND_ASSIGN(const ExportCheck to_brain, Export(source, {.type = TensorType::kBF16}, brain.path()));
  EXPECT_FALSE(to_half.lossless);
  EXPECT_LE(to_half.largest_change, 1.0 / 2048);
  EXPECT_LE(to_brain.largest_change, 1.0 / 256);
  EXPECT_GT(to_brain.largest_change, to_half.largest_change);
  ASSERT_OK_AND_ASSIGN(const PolicyWeights loaded, LoadPolicyFolder(half.path(), at::kFloat, at::kCPU));
  ASSERT_OK_AND_ASSIGN(const PolicyWeights original, LoadPolicyFolder(source, at::kFloat, at::kCPU));
  EXPECT_TRUE(loaded.embed.equal(original.embed.to(at::kHalf).to(at::kFloat)));
  ASSERT_OK_AND_ASSIGN(const auto folder, ModelFolder::Open(brain.path()));
  // A router that the type cannot hold stays as it is.
  EXPECT_EQ(folder->Find("model.layers.1.mlp.gate.weight")->type, TensorType::kF32);
  EXPECT_EQ(folder->Find("model.layers.1.mlp.gate.e_score_correction_bias")->type, TensorType::kF32);
  EXPECT_EQ(folder->Find("model.norm.weight")->type, TensorType::kBF16);
}

TEST(FolderExportTest, BlocksOfAPlainFolderHaveWhatPublishedOnesHave) {
  const TestFolder plain;
  const TestFolder blocks;
  const std::string source = GoldenPath("models/v3_fp8");
  ASSERT_OK(Export(source, {.type = TensorType::kF32}, plain.path()));
  ASSERT_OK_AND_ASSIGN(const ExportCheck check, Export(plain.path(), {.type = TensorType::kF8E4M3}, blocks.path()));
  // Quantizing what came from blocks meets the same codes; a scale may differ in its last bit.
  EXPECT_LE(check.largest_change, 1e-6);
  ASSERT_OK_AND_ASSIGN(const auto written, ModelFolder::Open(blocks.path()));
  ASSERT_OK_AND_ASSIGN(const auto golden, ModelFolder::Open(source));
  EXPECT_EQ(written->names(), golden->names());
  EXPECT_EQ(written->config(), golden->config());
}

TEST(FolderExportTest, ScalesCanBePowersOfTwo) {
  const TestFolder powers;
  const std::string source = GoldenPath("models/v3_fp8");
  ASSERT_OK(Export(source, {.scales = Fp8Scales::kPowersOfTwo}, powers.path()));
  EXPECT_EQ(MustReadJson(powers.File("config.json"))["quantization_config"]["scale_fmt"], "ue8m0");
  ASSERT_OK_AND_ASSIGN(const auto folder, ModelFolder::Open(powers.path()));
  ASSERT_OK_AND_ASSIGN(const StoredWeight weight, StoredWeight::Find(*folder, "model.layers.0.mlp.up_proj.weight"));
  EXPECT_TRUE(weight.quantized());
  const TestFolder again;
  ASSERT_OK(Export(powers.path(), {}, again.path()));
  ExpectSameFolders(powers.path(), again.path());
}

TEST(FolderExportTest, LayersForMultiTokenPredictionGoAlongInEveryForm) {
  const TestFolder source;
  ASSERT_OK(testing::WriteMtpFolder(source.path()));
  for (const ExportForm& form : {ExportForm{}, ExportForm{.type = TensorType::kF8E4M3},
                                 ExportForm{.type = TensorType::kBF16, .fused_experts = true}}) {
    const TestFolder written;
    ASSERT_OK(Export(source.path(), form, written.path()));
    ASSERT_OK_AND_ASSIGN(const auto folder, ModelFolder::Open(written.path()));
    EXPECT_TRUE(folder->Has("model.layers.3.eh_proj.weight"));
    EXPECT_TRUE(folder->Has("model.layers.3.mlp.experts.0.up_proj.weight"));
    EXPECT_EQ(folder->config()["num_nextn_predict_layers"], 1);
  }
}

TEST(FolderExportFaultTest, FusedExpertsInBlocksAreRefused) {
  const TestFolder folder;
  EXPECT_THAT(Export(GoldenPath("models/v3_fp8"), {.fused_experts = true}, folder.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("fused experts")));
}

// A copy of a golden folder in which `change` has replaced fields and numbers.
void WriteChanged(const std::string& model, const std::string& path,
                  const std::function<void(ModelFolderContent&)>& change) {
  const auto golden = *ModelFolder::Open(GoldenPath("models/" + model));
  ModelFolderContent content;
  content.config = golden->config();
  for (const std::string& name : golden->names()) content.tensors.emplace_back(name, *golden->Find(name));
  change(content);
  ASSERT_OK(WriteModelFolder(path, content));
}

TensorBytes MatrixOf(const std::vector<float>& values, std::vector<int64_t> shape) {
  return {TensorType::kF32, std::move(shape),
          absl::MakeConstSpan(reinterpret_cast<const std::byte*>(values.data()), values.size() * sizeof(float))};
}

StreamedTensor& TensorNamed(ModelFolderContent& content, const std::string& name) {
  return *std::find_if(content.tensors.begin(), content.tensors.end(),
                       [&](const StreamedTensor& tensor) { return tensor.name == name; });
}

TEST(FolderExportFaultTest, ANumberThatTheTypeDoesNotHoldIsNamed) {
  const TestFolder source;
  std::vector<float> values;
  WriteChanged("v3_norope_fp32", source.path(), [&](ModelFolderContent& content) {
    StreamedTensor& norm = TensorNamed(content, "model.norm.weight");
    values.assign(norm.shape[0], 1.0f);
    values[3] = 70000.0f;
    norm = StreamedTensor(norm.name, MatrixOf(values, norm.shape));
  });
  const TestFolder half;
  EXPECT_THAT(Export(source.path(), {.type = TensorType::kF16}, half.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("model.norm.weight: 70000 becomes inf in F16")));
  const TestFolder brain;
  EXPECT_OK(Export(source.path(), {.type = TensorType::kBF16}, brain.path()).status());
}

TEST(FolderExportFaultTest, ANumberThatTheScalesDoNotHoldIsNamed) {
  const TestFolder source;
  std::vector<float> values;
  WriteChanged("v3_norope_fp32", source.path(), [&](ModelFolderContent& content) {
    StreamedTensor& matrix = TensorNamed(content, "model.layers.0.mlp.up_proj.weight");
    values.assign(matrix.shape[0] * matrix.shape[1], 0.5f);
    values[0] = std::numeric_limits<float>::max();
    matrix = StreamedTensor(matrix.name, MatrixOf(values, matrix.shape));
  });
  const TestFolder blocks;
  EXPECT_THAT(Export(source.path(), {.type = TensorType::kF8E4M3, .scales = Fp8Scales::kPowersOfTwo}, blocks.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("mlp.up_proj.weight: 3.40282e+38 becomes inf")));
}

TEST(FolderExportTest, AConfigurationInBothSpellingsIsWrittenInEach) {
  const TestFolder source;
  WriteChanged("v3_norope_fp32", source.path(), [](ModelFolderContent& content) {
    content.config["rope_parameters"] = {{"rope_type", "default"}};
  });
  for (const ConfigSpelling spelling : {ConfigSpelling::kHub, ConfigSpelling::kTransformers5}) {
    const TestFolder written;
    EXPECT_OK(Export(source.path(), {.spelling = spelling}, written.path()).status());
    EXPECT_EQ(ParseModelConfig(MustReadJson(written.File("config.json")))->rope.theta, 50000.0);
  }
}

TEST(FolderExportTest, AClaimOfPowersOfTwoThatIsNotTrueIsNotRepeated) {
  const TestFolder source;
  WriteChanged("v3_fp8", source.path(),
               [](ModelFolderContent& content) { content.config["quantization_config"]["scale_fmt"] = "ue8m0"; });
  const TestFolder same;
  ASSERT_OK_AND_ASSIGN(const ExportCheck check, Export(source.path(), {}, same.path()));
  EXPECT_TRUE(check.lossless);
  EXPECT_FALSE(MustReadJson(same.File("config.json"))["quantization_config"].contains("scale_fmt"));
  // Asked for, they are made.
  const TestFolder powers;
  ASSERT_OK(Export(source.path(), {.scales = Fp8Scales::kPowersOfTwo}, powers.path()));
  EXPECT_EQ(MustReadJson(powers.File("config.json"))["quantization_config"]["scale_fmt"], "ue8m0");
  ASSERT_OK_AND_ASSIGN(const auto folder, ModelFolder::Open(powers.path()));
  EXPECT_TRUE(StoredWeight::Find(*folder, "model.layers.0.mlp.up_proj.weight")->HasPowersOfTwo());
}

TEST(FolderExportTest, FloatScalesInPlaceOfPowersOfTwoAreNotCalledPowers) {
  const TestFolder powers;
  ASSERT_OK(Export(GoldenPath("models/v3_fp8"), {.scales = Fp8Scales::kPowersOfTwo}, powers.path()));
  const TestFolder floats;
  ASSERT_OK(Export(powers.path(), {.type = TensorType::kF8E4M3, .scales = Fp8Scales::kFloat32}, floats.path()));
  EXPECT_FALSE(MustReadJson(floats.File("config.json"))["quantization_config"].contains("scale_fmt"));
  ASSERT_OK_AND_ASSIGN(const auto folder, ModelFolder::Open(floats.path()));
  EXPECT_FALSE(StoredWeight::Find(*folder, "model.layers.0.mlp.up_proj.weight")->HasPowersOfTwo());
}

TEST(FolderExportTest, ModulesThatAreConvertedAreNotListedAsPlain) {
  const TestFolder source;
  const std::string plain = "model.layers.0.mlp.up_proj";
  std::vector<float> values;
  WriteChanged("v3_fp8", source.path(), [&](ModelFolderContent& content) {
    content.config["quantization_config"]["modules_to_not_convert"] = {"lm_head", plain};
    StreamedTensor& matrix = TensorNamed(content, plain + ".weight");
    values.assign(matrix.shape[0] * matrix.shape[1], 0.25f);
    matrix = StreamedTensor(matrix.name, MatrixOf(values, matrix.shape));
    std::erase_if(content.tensors,
                  [&](const StreamedTensor& tensor) { return tensor.name == plain + ".weight_scale_inv"; });
  });
  const auto listed = [](const TestFolder& folder) {
    return MustReadJson(folder.File("config.json"))["quantization_config"]["modules_to_not_convert"];
  };
  const TestFolder same;
  ASSERT_OK(Export(source.path(), {}, same.path()));
  EXPECT_EQ(listed(same), Json({"lm_head", plain}));
  const TestFolder blocks;
  ASSERT_OK(Export(source.path(), {.type = TensorType::kF8E4M3}, blocks.path()));
  EXPECT_EQ(listed(blocks), Json::array({"lm_head"}));
}

// transformers reads both as regular expressions over the names of modules.
TEST(FolderExportFaultTest, PatternsOfPlainModulesAreKeptOrNamed) {
  for (const std::string pattern : {"model.layers.*.mlp.up_proj", "re:.*lm_head"}) {
    const TestFolder source;
    WriteChanged("v3_fp8", source.path(), [&](ModelFolderContent& content) {
      content.config["quantization_config"]["modules_to_not_convert"] = {"lm_head", pattern};
    });
    const TestFolder same;
    ASSERT_OK(Export(source.path(), {}, same.path()));
    EXPECT_EQ(MustReadJson(same.File("config.json"))["quantization_config"]["modules_to_not_convert"],
              Json({"lm_head", pattern}));
    const TestFolder plain;
    EXPECT_OK(Export(source.path(), {.type = TensorType::kBF16}, plain.path()).status());
    const TestFolder blocks;
    EXPECT_THAT(Export(source.path(), {.type = TensorType::kF8E4M3}, blocks.path()),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("modules_to_not_convert has the pattern \"" + pattern + "\", expected names")));
  }
}

}  // namespace
}  // namespace plumb
