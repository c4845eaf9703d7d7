#ifndef PLUMB_TEXT_JINJA_PYTHON_TEXT_H_
#define PLUMB_TEXT_JINJA_PYTHON_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// What Python's str does with valid UTF-8.
namespace plumb::jinja {

using CodePointSet = absl::flat_hash_set<int32_t>;
CodePointSet CodePointsOf(absl::string_view text);

bool IsPythonSpace(int32_t code_point);
// Without `chars`: white space.
absl::string_view StripLeft(absl::string_view text, const CodePointSet* chars = nullptr);
absl::string_view StripRight(absl::string_view text, const CodePointSet* chars = nullptr);

// Where `wanted` first stands at or behind `from`, in bytes; npos where it does not. In linear time.
size_t FindText(absl::string_view text, absl::string_view wanted, size_t from = 0);
// str.splitlines().
std::vector<absl::string_view> SplitLines(absl::string_view text);
bool IsDecimal(int32_t code_point);       // str.isdecimal()
bool IsAlphabetic(int32_t code_point);    // str.isalpha()
bool IsAlphanumeric(int32_t code_point);  // str.isalnum()

std::string ToUpper(absl::string_view text);
std::string ToLower(absl::string_view text);
// Each word's first letter in upper case and the rest in lower case; `every_word` false: the text's first alone.
std::string ToTitle(absl::string_view text, bool every_word);

// A string literal's escapes. Errors: kInvalidArgument.
absl::StatusOr<std::string> UnescapePython(absl::string_view text);

// repr() of a text, and of a float ("1.0", "1e+16", "nan").
std::string ReprText(absl::string_view text);
std::string ReprFloat(double value);

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_PYTHON_TEXT_H_
