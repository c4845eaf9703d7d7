#include "base/config_suggestion.h"

#include "absl/strings/str_split.h"

namespace plumb {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

struct ForeignName {
  const char* name;
  const char* path;  // in the schema of one stage; another line may have that of the other
};

// Names of the arguments of TRL's and Transformers' trainers.
constexpr ForeignName kForeignNames[] = {
    {"lr", "optimizer.learning_rate"},
    {"adam_beta1", "optimizer.beta1"},
    {"adam_beta2", "optimizer.beta2"},
    {"adam_epsilon", "optimizer.epsilon"},
    {"warmup_ratio", "optimizer.warmup_steps"},
    {"lr_scheduler_type", "optimizer.schedule"},
    {"max_steps", "steps"},
    {"num_train_epochs", "steps"},
    {"output_dir", "output"},
    {"model_name_or_path", "model"},
    {"dataset_name", "data.file"},
    {"train_file", "data.file"},
    {"per_device_train_batch_size", "batch_size"},
    {"per_device_train_batch_size", "prompts_per_step"},
    {"gradient_accumulation_steps", "micro_batch_tokens"},
    {"max_seq_length", "max_sequence_length"},
    {"max_length", "max_sequence_length"},
    {"eval_steps", "eval_every_steps"},
    {"eval_steps", "eval.every_steps"},
    {"save_steps", "checkpoint.every_steps"},
    {"save_total_limit", "checkpoint.keep"},
    {"bf16", "compute.dtype"},
    {"num_generations", "group_size"},
    {"max_completion_length", "sampling.max_new_tokens"},
    {"beta", "algorithm.kl_coef"},
    {"epsilon", "algorithm.clip_low"},
    {"epsilon_high", "algorithm.clip_high"},
    {"num_iterations", "algorithm.optimizer_steps"},
    {"scale_rewards", "algorithm.advantage_std"},
    {"loss_type", "algorithm.normalizer"},
    {"mask_truncated_completions", "mask_truncated"},
};

const FieldDescriptor* FieldAt(absl::string_view path, const Descriptor& root) {
  const Descriptor* table = &root;
  const FieldDescriptor* field = nullptr;
  for (const absl::string_view part : absl::StrSplit(path, '.')) {
    field = table == nullptr ? nullptr : table->FindFieldByName(std::string(part));
    if (field == nullptr) return nullptr;
    table = field->message_type();
  }
  return field;
}

std::string PathOfName(const std::string& name, const Descriptor& table) {
  if (table.FindFieldByName(name) != nullptr) return name;
  for (int i = 0; i < table.field_count(); ++i) {
    const FieldDescriptor& field = *table.field(i);
    if (field.message_type() == nullptr || field.is_repeated()) continue;
    const std::string inner = PathOfName(name, *field.message_type());
    if (!inner.empty()) return absl::StrCat(field.name(), ".", inner);
  }
  return "";
}

}  // namespace

int EditDistance(absl::string_view left, absl::string_view right) {
  const size_t width = right.size() + 1;
  // Rows of the table: two before, one before, this one.
  std::vector<int> older(width), previous(width), current(width);
  for (size_t j = 0; j < width; ++j) previous[j] = static_cast<int>(j);
  for (size_t i = 1; i <= left.size(); ++i) {
    current[0] = static_cast<int>(i);
    for (size_t j = 1; j < width; ++j) {
      const int replaced = previous[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
      current[j] = std::min({replaced, previous[j] + 1, current[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (swapped) current[j] = std::min(current[j], older[j - 2] + 1);
    }
    older.swap(previous);
    previous.swap(current);
  }
  return previous[right.size()];
}

std::string DidYouMean(absl::string_view word, const std::vector<std::string>& candidates) {
  // Long words are never names; the limit keeps a hostile text from costing time.
  if (word.size() > 128) return "";
  const std::string* nearest = nullptr;
  int nearest_distance = 0;
  for (const std::string& candidate : candidates) {
    const int distance = EditDistance(word, candidate);
    const int limit = std::max<int>(1, static_cast<int>(std::max(word.size(), candidate.size())) / 3);
    if (distance > limit || (nearest != nullptr && distance >= nearest_distance)) continue;
    nearest = &candidate;
    nearest_distance = distance;
  }
  return nearest == nullptr ? "" : absl::StrCat("; did you mean ", *nearest, "?");
}

std::string FindKeyPath(absl::string_view word, const Descriptor& root) {
  for (const ForeignName& foreign : kForeignNames) {
    if (word == foreign.name && FieldAt(foreign.path, root) != nullptr) return foreign.path;
  }
  return PathOfName(std::string(word), root);
}

std::string SuggestKey(absl::string_view word, const Descriptor& table, const Descriptor& root) {
  const std::string path = FindKeyPath(word, root);
  if (path.empty()) {
    std::vector<std::string> names;
    for (int i = 0; i < table.field_count(); ++i) names.push_back(table.field(i)->name());
    return DidYouMean(word, names);
  }
  const FieldDescriptor& field = *FieldAt(path, root);
  return absl::StrCat("; did you mean ", field.containing_type() == &table ? field.name() : path, "?");
}

}  // namespace plumb
