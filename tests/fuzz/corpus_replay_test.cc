#include <gtest/gtest.h>

#include <iostream>

#include "base/file.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

struct Target {
  const char* name;  // of the folder in tests/fuzz/corpus
  void (*run)(absl::string_view input);
};

class CorpusFuzzTest : public ::testing::TestWithParam<Target> {};

// A target aborts where it finds something: the last name that was printed is the input.
TEST_P(CorpusFuzzTest, EveryInputIsReadOrRefused) {
  const std::string folder = testing::SourcePath(JoinPath("tests/fuzz/corpus", GetParam().name));
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListFolder(folder));
  ASSERT_GE(names.size(), 10u) << folder;
  for (const std::string& name : names) {
    std::cout << name << std::endl;
    GetParam().run(testing::MustRead(JoinPath(folder, name)));
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, CorpusFuzzTest,
                         ::testing::Values(Target{"safetensors", fuzz::FuzzSafetensors},
                                           Target{"tokenizer", fuzz::FuzzTokenizer},
                                           Target{"chat_template", fuzz::FuzzChatTemplate},
                                           Target{"model_config", fuzz::FuzzModelConfig},
                                           Target{"run_config", fuzz::FuzzRunConfig}, Target{"yaml", fuzz::FuzzYaml},
                                           Target{"json", fuzz::FuzzJson}),
                         [](const ::testing::TestParamInfo<Target>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace plumb
