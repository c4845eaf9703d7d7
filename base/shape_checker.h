#ifndef PLUMB_BASE_SHAPE_CHECKER_H_
#define PLUMB_BASE_SHAPE_CHECKER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace plumb {

// Checks tensors against shapes in the letters of ARCHITECTURE.md. The first tensor that uses a letter binds it; later
// ones must agree.
//
//   ShapeChecker shapes;
//   RETURN_IF_ERROR(shapes.Check("logp", logp, "N", at::kFloat));
//   RETURN_IF_ERROR(shapes.Check("kv", kv, "N 576", at::kFloat));
//
// Not thread-safe.
class ShapeChecker {
 public:
  // `shape` is a list of letters (or words such as Rkv) and numbers, separated by spaces; "" is a scalar.
  //   tensor  any shape
  // Errors: kInvalidArgument: "mask: dimension 0 (N) is 64, expected 128 from logp".
  absl::Status Check(absl::string_view name, const at::Tensor& tensor, absl::string_view shape, at::ScalarType type);

 private:
  struct Binding {
    int64_t size;
    std::string from;
  };
  std::map<std::string, Binding> bindings_;
};

}  // namespace plumb

#endif  // PLUMB_BASE_SHAPE_CHECKER_H_
