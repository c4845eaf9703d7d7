#include "tools/models/problem_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumb::cli {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Texts(const std::vector<std::string>& problems) {
  std::vector<std::string> texts;
  for (const ProblemGroup& group : GroupProblems(problems)) texts.push_back(group.Text());
  return texts;
}

TEST(ProblemGroupsTest, NamesThatDifferInNumbersAreOneGroup) {
  EXPECT_THAT(Texts({"layers.1.experts.0.up.weight: is missing", "head: is missing",
                     "layers.1.experts.10.up.weight: is missing", "layers.2.experts.0.up.weight: is missing"}),
              ElementsAre("layers.1.experts.0.up.weight: is missing (and 2 more like it, the last "
                          "layers.2.experts.0.up.weight)",
                          "head: is missing"));
  EXPECT_THAT(Texts({"layers.1.up: is missing", "layers.2.up: is missing"}),
              ElementsAre("layers.1.up: is missing (and 1 more like it: layers.2.up)"));
}

TEST(ProblemGroupsTest, OtherWordsOtherNumbersAndOtherNamesAreNotTheSame) {
  const std::vector<std::string> problems = {"layers.1.up: is missing", "layers.1.down: is missing",
                                             "layers.2.up: has [1]",    "layers.3.up: has [2]",
                                             "a1.b: is missing",        "a2.b: is missing"};
  EXPECT_EQ(Texts(problems), problems);
}

TEST(ProblemGroupsTest, AProblemWithoutANameIsKept) {
  EXPECT_THAT(Texts({"all is lost", ""}), ElementsAre("all is lost", ""));
  EXPECT_TRUE(GroupProblems({}).empty());
}

}  // namespace
}  // namespace plumb::cli
