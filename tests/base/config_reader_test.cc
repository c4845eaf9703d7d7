#include "base/config_reader.h"

#include <gmock/gmock.h>

#include "proto/config.pb.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Problems(const std::string& yaml, google::protobuf::Message& config) {
  const absl::StatusOr<YamlValue> root = ParseYaml(yaml, "f");
  EXPECT_OK(root.status());
  ConfigReader reader;
  reader.Read(*root, config);
  return reader.problems();
}

TEST(ConfigReaderTest, AValueOfAnotherShapeIsAProblem) {
  proto::RewardServiceConfig config;
  EXPECT_THAT(Problems("verifiers: math\nthreads: [1]\n", config),
              ElementsAre("f:1:12: verifiers: expected a list, found math",
                          "f:2:10: threads: expected one value, found a list"));
  EXPECT_THAT(Problems("[1]", config), ElementsAre("f:1:1: expected keys and values, found a list"));
}

TEST(ConfigReaderTest, ARequiredListMayNotBeEmpty) {
  proto::RewardServiceConfig config;
  EXPECT_THAT(Problems("verifiers: []", config),
              ElementsAre("f:1:12: verifiers: expected a list with at least one element"));
  EXPECT_THAT(
      Problems("", config),
      ElementsAre("f:1:1: verifiers: required, but not given (The verifiers whose weighted values are added.)"));
}

TEST(ConfigReaderTest, AKeyWithoutAValueTakesADefaultOnlyWhereItIsAMap) {
  proto::SftConfig config;
  EXPECT_THAT(Problems("model: m\noutput: o\ndata: {file: f}\noptimizer:\n", config), ElementsAre());
  EXPECT_THAT(Problems("model:\noutput: o\ndata: {file: f}\n", config),
              ElementsAre("f:2:1: model: has no value; leave the key out to take the default"));
}

TEST(ConfigReaderTest, AnElementOfAListIsNamedByItsNumber) {
  proto::RewardServiceConfig config;
  EXPECT_THAT(Problems("verifiers: [{name: math}, {name: maths}]", config),
              ElementsAre("f:1:34: verifiers.1.name: \"maths\" is not one of math, exact, regex, format, length; did "
                          "you mean math?"));
}

}  // namespace
}  // namespace plumb
