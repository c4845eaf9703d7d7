#ifndef PLUMB_TOOLS_REPORT_SAMPLE_SECTION_H_
#define PLUMB_TOOLS_REPORT_SAMPLE_SECTION_H_

#include <string>
#include <vector>

#include "tools/report/run_record.h"

namespace plumb {

// A held-out prompt with its answer at the start and at the end.
struct AnswerPair {
  const EvalRecord* before = nullptr;
  const EvalRecord* after = nullptr;
};

// At most `limit` pairs that tell most: answers that became right, then those that became wrong, then those that stayed
// wrong, then the rest; in the order of the file within each. The pairs point into `run`.
std::vector<AnswerPair> ChooseAnswers(const RunRecord& run, size_t limit);

// Held-out answers before and after, and sampled groups of the first and the last step, as HTML.
std::string SamplesHtml(const RunRecord& run);

}  // namespace plumb

#endif  // PLUMB_TOOLS_REPORT_SAMPLE_SECTION_H_
