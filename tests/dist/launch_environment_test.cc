#include "dist/launch_environment.h"

#include <map>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

using Variables = std::map<std::string, std::string>;

absl::StatusOr<LaunchEnvironment> Read(const Variables& variables) {
  return ReadLaunchEnvironment([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

struct GoodCase {
  const char* name;
  Variables variables;
  LaunchEnvironment expected;
};

class LaunchEnvironmentTest : public ::testing::TestWithParam<GoodCase> {};

TEST_P(LaunchEnvironmentTest, Reads) {
  ASSERT_OK_AND_ASSIGN(const LaunchEnvironment environment, Read(GetParam().variables));
  EXPECT_EQ(environment.source, GetParam().expected.source);
  EXPECT_EQ(environment.rank, GetParam().expected.rank);
  EXPECT_EQ(environment.world_size, GetParam().expected.world_size);
  EXPECT_EQ(environment.local_rank, GetParam().expected.local_rank);
}

const GoodCase kGoodCases[] = {
    {"NoVariables", {}, {0, 1, 0, "single process"}},
    {"Torchrun", {{"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}}, {5, 8, 1, "torchrun"}},
    {"Slurm",
     {{"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "0"}, {"SLURM_STEP_ID", "0"}},
     {2, 4, 0, "Slurm"}},
    {"SlurmOldStepName",
     {{"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "0"}, {"SLURM_STEPID", "1"}},
     {2, 4, 0, "Slurm"}},
    {"SlurmBatchScript",
     {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "0"}},
     {0, 1, 0, "single process"}},
    {"SlurmInteractiveShell",
     {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "0"}, {"SLURM_STEP_ID", "4294967290"}},
     {0, 1, 0, "single process"}},
    {"OpenMpi",
     {{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "3"}},
     {3, 4, 3, "Open MPI"}},
    {"TwoThatAgree",
     {{"RANK", "1"},
      {"WORLD_SIZE", "2"},
      {"LOCAL_RANK", "0"},
      {"OMPI_COMM_WORLD_RANK", "1"},
      {"OMPI_COMM_WORLD_SIZE", "2"},
      {"OMPI_COMM_WORLD_LOCAL_RANK", "0"}},
     {1, 2, 0, "torchrun"}},
    {"TorchrunInsideSrun",
     {{"RANK", "9"},
      {"WORLD_SIZE", "16"},
      {"LOCAL_RANK", "1"},
      {"TORCHELASTIC_RUN_ID", "none"},
      {"SLURM_PROCID", "1"},
      {"SLURM_NTASKS", "2"},
      {"SLURM_LOCALID", "0"},
      {"SLURM_STEP_ID", "0"}},
     {9, 16, 1, "torchrun"}},
};

INSTANTIATE_TEST_SUITE_P(All, LaunchEnvironmentTest, ::testing::ValuesIn(kGoodCases),
                         [](const auto& info) { return std::string(info.param.name); });

struct BadCase {
  const char* name;
  Variables variables;
  const char* message;
};

class BadLaunchFaultTest : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadLaunchFaultTest, NamesTheVariable) {
  EXPECT_THAT(Read(GetParam().variables), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().message)));
}

Variables Torchrun(const char* rank, const char* world_size, const char* local_rank) {
  return {{"RANK", rank}, {"WORLD_SIZE", world_size}, {"LOCAL_RANK", local_rank}};
}

const BadCase kBadCases[] = {
    {"Empty", Torchrun("", "2", "0"), "RANK: is \"\""},
    {"Space", Torchrun(" 1", "2", "0"), "RANK: is \" 1\""},
    {"Negative", Torchrun("-1", "2", "0"), "RANK: is \"-1\""},
    {"Exponent", Torchrun("0", "1e3", "0"), "WORLD_SIZE: is \"1e3\""},
    {"TooLarge", Torchrun("0", "99999999999", "0"), "WORLD_SIZE: is \"99999999999\""},
    {"RankOutOfRange", Torchrun("2", "2", "0"), "RANK: is 2, expected less than WORLD_SIZE=2"},
    {"LocalRankOutOfRange", Torchrun("1", "2", "2"), "LOCAL_RANK: is 2"},
    {"NoProcesses", Torchrun("0", "0", "0"), "WORLD_SIZE: is 0"},
    {"OneMissing", {{"RANK", "0"}, {"WORLD_SIZE", "1"}}, "LOCAL_RANK: not set"},
    {"RanksDisagree",
     {{"RANK", "1"},
      {"WORLD_SIZE", "2"},
      {"LOCAL_RANK", "0"},
      {"SLURM_PROCID", "0"},
      {"SLURM_NTASKS", "2"},
      {"SLURM_LOCALID", "0"},
      {"SLURM_STEP_ID", "0"}},
     "RANK=1 and SLURM_PROCID=0 disagree"},
    {"SizesDisagree",
     {{"RANK", "0"},
      {"WORLD_SIZE", "2"},
      {"LOCAL_RANK", "0"},
      {"OMPI_COMM_WORLD_RANK", "0"},
      {"OMPI_COMM_WORLD_SIZE", "4"},
      {"OMPI_COMM_WORLD_LOCAL_RANK", "0"}},
     "WORLD_SIZE=2 and OMPI_COMM_WORLD_SIZE=4 disagree"},
};

INSTANTIATE_TEST_SUITE_P(All, BadLaunchFaultTest, ::testing::ValuesIn(kBadCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace plumb
