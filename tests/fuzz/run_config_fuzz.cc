#include <google/protobuf/util/message_differencer.h>

#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/config.h"
#include "proto/config.pb.h"
#include "tests/fuzz/fuzz_targets.h"

namespace plumb::fuzz {
namespace {

void CheckReadsBack(google::protobuf::Message& config, const ConfigSources& sources) {
  const std::string resolved = FormatConfig(config, sources);
  const std::unique_ptr<google::protobuf::Message> again(config.New());
  const auto read = ParseConfig(resolved, "resolved", {}, *again);
  PLUMB_CHECK(read.ok()) << read.status() << "\n" << resolved;
  PLUMB_CHECK(google::protobuf::util::MessageDifferencer::Equals(config, *again)) << resolved;
}

void ReadAs(google::protobuf::Message&& config, absl::string_view yaml, const std::vector<std::string>& overrides) {
  const auto sources = ParseConfig(yaml, "f", overrides, config);
  if (sources.ok()) return CheckReadsBack(config, *sources);
  PLUMB_CHECK(sources.status().code() == absl::StatusCode::kInvalidArgument) << sources.status();
  PLUMB_CHECK(!sources.status().message().empty());
}

}  // namespace

void FuzzRunConfig(absl::string_view input) {
  std::vector<std::string> parts = absl::StrSplit(input, '\0');
  const std::string yaml = parts[0];
  parts.erase(parts.begin());
  ReadAs(proto::SftConfig(), yaml, parts);
  ReadAs(proto::GrpoConfig(), yaml, parts);
  ReadAs(proto::RewardServiceConfig(), yaml, parts);
}

}  // namespace plumb::fuzz
