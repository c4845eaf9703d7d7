#ifndef PLUMB_POLICY_NORMAL_QUANTILE_H_
#define PLUMB_POLICY_NORMAL_QUANTILE_H_

namespace plumb {

// The standard normal distribution's quantile at `probability` in (0, 1), to 7 digits. Built from additions,
// multiplications, divisions and square roots alone, which every machine rounds alike; libraries' logarithms differ.
// Source: Wichura, algorithm AS 241 (routine PPND7), Applied Statistics 37 (1988).
double NormalQuantile(double probability);

}  // namespace plumb

#endif  // PLUMB_POLICY_NORMAL_QUANTILE_H_
