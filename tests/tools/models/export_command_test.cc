#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::GoldenPath;
using plumb::testing::MustRead;
using plumb::testing::MustReadJson;
using plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CheckpointExportTest, WritesShardsWithEqualLogits) {
  const TestFolder folder;
  const CommandResult result = Plumb({"checkpoint", "export", TinyPolicy(), folder.File("out"), "--shard-gigabytes",
                                      "0.0005", "--spelling", "transformers-5", "--experts", "fused"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json object = *ParseJson(result.output, "output");
  EXPECT_TRUE(object["lossless"]);
  EXPECT_EQ(object["logits"]["largest_difference"], 0.0);
  EXPECT_EQ(object["logits"]["same_top_token"], 1.0);
  EXPECT_TRUE(FileExists(folder.File("out") + "/model.safetensors.index.json"));
  EXPECT_EQ(MustReadJson(folder.File("out") + "/config.json")["rope_parameters"]["rope_type"], "default");
  EXPECT_EQ(MustRead(folder.File("out") + "/tokenizer.json"), MustRead(TinyPolicy() + "/tokenizer.json"));
  EXPECT_EQ(Plumb({"checkpoint", "verify", folder.File("out")}).exit_code, 0);
}

TEST(CheckpointExportTest, BlocksChangeWeightsAndSayHowMuch) {
  const TestFolder folder;
  const CommandResult result = Plumb({"checkpoint", "export", TinyPolicy(), folder.File("out"), "--dtype", "fp8"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json object = *ParseJson(result.output, "output");
  EXPECT_FALSE(object["lossless"]);
  EXPECT_GT(object["largest_change"].get<double>(), 0.0);
  EXPECT_LE(object["largest_change"].get<double>(), 1.0 / 16);
  EXPECT_GT(object["logits"]["largest_difference"].get<double>(), 0.0);
  EXPECT_EQ(Plumb({"checkpoint", "verify", folder.File("out")}).exit_code, 0);
}

TEST(CheckpointExportGoldenTest, EveryGoldenModelGoesThroughBfloat16AndFloat16) {
  const TestFolder folder;
  for (const std::string model : {"v3_fp8", "v2_fp32"}) {
    for (const std::string dtype : {"float16", "bfloat16"}) {
      const std::string out = folder.File(model + dtype);
      const CommandResult result =
          Plumb({"checkpoint", "export", GoldenPath("models/" + model), out, "--dtype", dtype, "--skip-logits"});
      ASSERT_EQ(result.exit_code, 0) << result.errors;
      EXPECT_TRUE(ParseJson(result.output, "output")->at("logits").is_null());
      const Json config = MustReadJson(out + "/config.json");
      EXPECT_EQ(config.contains("dtype") ? config["dtype"] : config["torch_dtype"], dtype);
      EXPECT_FALSE(config.contains("quantization_config"));
    }
  }
}

TEST(CheckpointExportFaultTest, NothingAppearsWhereItFails) {
  const TestFolder folder;
  CommandResult result = Plumb({"checkpoint", "export", folder.File("none"), folder.File("out")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("none"));
  result = Plumb({"checkpoint", "export", TinyPolicy(), TinyPolicy()});
  EXPECT_EQ(result.exit_code, 2) << "the folder exists";
  result = Plumb({"checkpoint", "export", GoldenPath("models/v3_fp8"), folder.File("out"), "--experts", "fused"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("fused experts"));
  EXPECT_TRUE(ListFolder(folder.path())->empty());
}

}  // namespace
}  // namespace plumb::cli
