#include "tools/config_pages.h"

#include "absl/strings/strip.h"
#include "base/config.h"
#include "base/config_field.h"
#include "proto/config.pb.h"
#include "tools/option_set.h"

namespace plumb::cli {
namespace {

constexpr char kIntroduction[] = R"(# Configuration

This page is made from `proto/config.proto` by `plumb config-reference`; do not edit it by hand.

| command | its file is a |
|---|---|
| `plumb sft --config FILE` | [SftConfig](#sftconfig) |
| `plumb grpo --config FILE` | [GrpoConfig](#grpoconfig) |
| `plumb reward --config FILE` | [RewardServiceConfig](#rewardserviceconfig) |

Files are YAML. A key that is left out takes its default; **required** keys have none. A key that holds another table is
made with that table's defaults when it is left out, unless its default is "none": the required keys of such a table, and
of the elements of a list, are required where the table or element is given. An unknown key, a value of another
type or out of range, and a missing required key are errors; all of a file's errors are reported at once with line and
column. YAML aliases and tags are not supported.

`--set key=value` overrides a key, as often as needed: `--set optimizer.learning_rate=1e-4`. Lists are written as YAML,
`--set 'sampling.stop_strings=["\n\n", "Q:"]'`, and an element of a list has its number in the path,
`--set rollout.workers.0.address=127.0.0.1:7000`. A text is taken as it is; in quotes it may have YAML's escapes, `"\n"`.

The run folder's `config.yaml` holds every value with its source: file, line and column, `--set`, or `default`.

)";

// `condition` says when required keys are required: "" is always.
void AddKeys(const google::protobuf::Descriptor& schema, const std::string& prefix, const std::string& condition,
             std::string& help) {
  for (int i = 0; i < schema.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *schema.field(i);
    const std::string key = absl::StrCat(prefix, field.name(), field.is_repeated() ? "[]" : "");
    const proto::FieldDoc& doc = DocOf(field);
    if (field.message_type() != nullptr) {
      const bool may_lack = doc.optional() && condition.empty();
      AddKeys(*field.message_type(), absl::StrCat(key, "."),
              may_lack ? absl::StrCat(" where ", absl::StripSuffix(key, "[]"), " is given") : condition, help);
      continue;
    }
    std::string text = doc.help();
    if (!doc.choices().empty()) absl::StrAppend(&text, " One of ", absl::StrJoin(doc.choices(), ", "), ".");
    if (doc.has_default_() && !doc.default_().empty()) absl::StrAppend(&text, " Default: ", doc.default_(), ".");
    if (!doc.has_default_() && !doc.optional()) absl::StrAppend(&text, " Required", condition, ".");
    absl::StrAppend(&help, HelpEntry(key, text));
  }
}

}  // namespace

std::string ConfigurationPage() {
  return absl::StrCat(kIntroduction, ConfigReference({proto::SftConfig::descriptor(), proto::GrpoConfig::descriptor(),
                                                      proto::RewardServiceConfig::descriptor()}));
}

std::string ConfigKeysHelp(const google::protobuf::Descriptor& schema) {
  std::string help;
  AddKeys(schema, "", "", help);
  return help;
}

}  // namespace plumb::cli
