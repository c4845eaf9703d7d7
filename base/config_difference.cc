#include "base/config_difference.h"

#include <google/protobuf/util/message_differencer.h>

#include "absl/strings/str_split.h"

namespace plumb {

std::vector<std::string> ConfigDifferences(const google::protobuf::Message& before,
                                           const google::protobuf::Message& after) {
  std::string report;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&report);
  differencer.Compare(before, after);
  return absl::StrSplit(report, '\n', absl::SkipEmpty());
}

}  // namespace plumb
