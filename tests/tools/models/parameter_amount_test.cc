#include "tools/models/parameter_amount.h"

#include <gtest/gtest.h>

namespace plumb::cli {
namespace {

TEST(ParameterAmountTest, IsWrittenAsOnModelCards) {
  EXPECT_EQ(ParameterAmount(0), "0");
  EXPECT_EQ(ParameterAmount(999), "999");
  EXPECT_EQ(ParameterAmount(1000), "1.0 K");
  EXPECT_EQ(ParameterAmount(340'608), "340.6 K");
  EXPECT_EQ(ParameterAmount(12'345'678), "12.3 M");
  EXPECT_EQ(ParameterAmount(15'706'484'224), "15.7 B");
  EXPECT_EQ(ParameterAmount(671'026'419'200), "671.0 B");
  EXPECT_EQ(ParameterAmount(1'026'408'232'448), "1026.4 B");
}

TEST(ParameterAmountTest, NoAmountRoundsToAThousandOfAUnit) {
  EXPECT_EQ(ParameterAmount(999'949), "999.9 K");
  EXPECT_EQ(ParameterAmount(999'950), "1.0 M");
  EXPECT_EQ(ParameterAmount(999'949'999), "999.9 M");
  EXPECT_EQ(ParameterAmount(999'950'000), "1.0 B");
}

}  // namespace
}  // namespace plumb::cli
