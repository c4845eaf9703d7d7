#include "base/shape_checker.h"

#include <cctype>
#include <cstdlib>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace plumb {

absl::Status ShapeChecker::Check(absl::string_view name, const at::Tensor& tensor, absl::string_view shape,
                                 at::ScalarType type) {
  if (!tensor.defined()) return absl::InvalidArgumentError(absl::StrCat(name, ": is missing"));
  if (tensor.scalar_type() != type) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": has type ", c10::toString(tensor.scalar_type()), ", expected ", c10::toString(type)));
  }
  const std::vector<std::string> words = absl::StrSplit(shape, ' ', absl::SkipEmpty());
  if (tensor.dim() != static_cast<int64_t>(words.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": has ", tensor.dim(), " dimensions, expected ", words.size(), " [", shape, "]"));
  }
  for (size_t i = 0; i < words.size(); ++i) {
    const int64_t size = tensor.size(static_cast<int64_t>(i));
    int64_t wanted = 0;
    std::string from;
    if (!absl::SimpleAtoi(words[i], &wanted)) {
      const auto [binding, inserted] = bindings_.try_emplace(words[i], Binding{size, std::string(name)});
      wanted = binding->second.size;
      from = absl::StrCat(" from ", binding->second.from);
    }
    if (size != wanted) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": dimension ", i, " (", words[i], ") is ", size, ", expected ", wanted, from));
    }
  }
  return absl::OkStatus();
}

}  // namespace plumb
