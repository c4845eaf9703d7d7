#include "grpo/local_services.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/config.h"
#include "base/file.h"
#include "policy/kernels/cpu/select_isa.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::StatusIs;

// A shell script stands for the plumb program: "rollout" and "reward" run what the test says.
class LocalServicesTest : public ::testing::Test {
 protected:
  static constexpr char kReady[] = R"(echo "{\"address\": \"here\"}"; exec sleep 60)";

  std::string Program(const std::string& rollout, const std::string& reward) const {
    const std::string path = folder_.File("program");
    const std::string script = "#!/bin/sh\necho \"$@\" >> " + folder_.File("calls") +
                               "\nif [ \"$1\" = rollout ]; then " + rollout + "; else " + reward + "; fi\n";
    EXPECT_OK(WriteFileAtomic(path, script));
    EXPECT_EQ(::chmod(path.c_str(), 0755), 0);
    return path;
  }

  static proto::GrpoConfig Config(const std::string& more) {
    proto::GrpoConfig config;
    const auto sources = ParseConfig("model: m\noutput: o\ndata: {file: f}\n" + more, "test", {}, config);
    EXPECT_TRUE(sources.ok()) << sources.status();
    return config;
  }

  absl::StatusOr<std::unique_ptr<LocalServices>> Start(const std::string& program, const std::string& config) const {
    return LocalServices::Start(Config(config), program, "policy", folder_.path());
  }

  testing::TestFolder folder_;
};

constexpr char kLocal[] = "reward: {verifiers: [{name: math}]}\nrollout: {local_workers: 2}\n";

TEST_F(LocalServicesTest, WorkersHaveTheTrainersInstructionSetUnlessAnotherIsAskedFor) {
  const cpu::Isa before = cpu::ActiveIsa();
  ASSERT_OK(cpu::SelectIsa("avx2"));
  ASSERT_OK(Start(Program(kReady, kReady), kLocal));
  EXPECT_THAT(testing::MustRead(folder_.File("calls")), HasSubstr("--isa avx2 --listen"));
  ASSERT_OK(Start(Program(kReady, kReady), "reward: {verifiers: [{name: math}]}\nrollout: {compute: {isa: avx512}}\n"));
  EXPECT_THAT(testing::MustRead(folder_.File("calls")), HasSubstr("--isa avx512 --listen"));
  ASSERT_OK(cpu::SelectIsa(cpu::IsaName(before)));
}

TEST_F(LocalServicesTest, StartsWhatIsNotGiven) {
  ASSERT_OK_AND_ASSIGN(const auto services, Start(Program(kReady, kReady), kLocal));
  ASSERT_EQ(services->workers().size(), 2u);
  EXPECT_THAT(services->workers()[1].address(), StartsWith("unix:/"));
  ASSERT_EQ(services->plugins().size(), 1u);
  EXPECT_EQ(services->plugins()[0].name(), kBuiltinReward);
  EXPECT_EQ(services->children().size(), 3u);
  const std::string calls = testing::MustRead(folder_.File("calls"));
  EXPECT_THAT(calls, AllOf(HasSubstr("rollout --model policy --max-running-sequences 256"),
                           HasSubstr("--dtype float32"), HasSubstr("reward --config " + folder_.File("reward.yaml"))));
}

TEST_F(LocalServicesTest, TheRewardProcessGetsTheVerifiers) {
  ASSERT_OK(Start(Program(kReady, kReady), kLocal).status());
  proto::RewardServiceConfig config;
  ASSERT_OK(LoadConfig(folder_.File("reward.yaml"), {}, config).status());
  ASSERT_EQ(config.verifiers_size(), 1);
  EXPECT_EQ(config.verifiers(0).name(), "math");
  EXPECT_EQ(config.verifiers(0).answer_field(), "answer");
}

TEST_F(LocalServicesTest, UsesWhatIsGiven) {
  ASSERT_OK_AND_ASSIGN(const auto services, Start("/nowhere/plumb",
                                                  "reward: {plugins: [{name: p, address: 'h:1'}]}\n"
                                                  "rollout: {workers: [{address: 'h:2', control_address: 'h:3'}]}\n"));
  EXPECT_TRUE(services->children().empty());
  ASSERT_EQ(services->workers().size(), 1u);
  EXPECT_EQ(services->workers()[0].control_address(), "h:3");
  ASSERT_EQ(services->plugins().size(), 1u);
  EXPECT_EQ(services->plugins()[0].name(), "p");
}

TEST_F(LocalServicesTest, ExplainsWhichChildEnded) {
  const std::string ready_then_end = R"(echo "{\"address\": \"here\"}"; echo "no more pages" >&2; exit 3)";
  ASSERT_OK_AND_ASSIGN(const auto services, Start(Program(ready_then_end, kReady), kLocal));
  EXPECT_OK(services->Explain(absl::OkStatus()));
  EXPECT_THAT(services->Explain(absl::UnavailableError("lost")),
              StatusIs(absl::StatusCode::kUnavailable, AllOf(StartsWith("lost\n"), HasSubstr("rollout worker 0 (pid "),
                                                             HasSubstr("exited with 3"), HasSubstr("no more pages"))));
}

TEST_F(LocalServicesTest, NamesAProgramThatIsMissing) {
  EXPECT_THAT(Start("/nowhere/plumb", kLocal), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/plumb")));
}

TEST_F(LocalServicesTest, NamesAChildThatEndsBeforeItIsReady) {
  EXPECT_THAT(Start(Program(kReady, "echo 'bad verifier' >&2; exit 2"), kLocal),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("reward process"), HasSubstr("exited with 2"), HasSubstr("bad verifier"))));
}

}  // namespace
}  // namespace plumb
