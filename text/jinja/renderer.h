#ifndef PLUMB_TEXT_JINJA_RENDERER_H_
#define PLUMB_TEXT_JINJA_RENDERER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "text/jinja/budget.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/scope.h"
#include "text/jinja/syntax.h"
#include "text/tokenizer.h"

namespace plumb::jinja {

// Renders a parsed template once. Not thread-safe.
class Renderer {
 public:
  explicit Renderer(const Syntax& syntax);

  // `variables` is a dict. May be called once.
  // Errors: kInvalidArgument with the place, or with the bare message of raise_exception; kResourceExhausted.
  absl::Status Render(const Dict& variables);

  const std::string& text() const { return out_; }
  // Of {% generation %} blocks, in bytes of the text.
  const std::vector<ByteSpan>& generation_spans() const { return spans_; }

 private:
  enum class Flow { kNormal, kBreak, kContinue };

  absl::StatusOr<Flow> RenderBlock(const Block& block, Scope& scope);
  absl::StatusOr<Flow> RenderStatement(const Statement& statement, Scope& scope);
  absl::Status Print(const Statement& statement, Scope& scope);
  absl::StatusOr<Flow> RenderIf(const Statement& statement, Scope& scope);
  absl::StatusOr<Flow> RenderFor(const Statement& statement, Scope& scope);
  absl::StatusOr<std::vector<Value>> LoopItems(const Statement& statement, Scope& scope);
  absl::Status RenderSet(const Statement& statement, Scope& scope);
  absl::StatusOr<Flow> RenderWith(const Statement& statement, Scope& scope);
  absl::Status RenderGeneration(const Statement& statement, Scope& scope);
  // The block's text, filtered by the statement's expression.
  absl::StatusOr<Value> CaptureFiltered(const Statement& statement, Scope& scope);
  absl::StatusOr<std::string> Capture(const Block& block, Scope& scope);
  absl::StatusOr<Value> RunMacro(const MacroNode& macro, const Arguments& arguments);
  absl::Status Assign(const Target& target, Value value, Place place, Scope& scope);
  absl::Status Write(absl::string_view text, Place place);

  const Syntax& syntax_;
  Budget budget_;
  Scope root_;
  Evaluator evaluator_;
  std::string out_;
  std::vector<ByteSpan> spans_;
  int captures_ = 0;
  int loop_depth_ = 0;
};

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_RENDERER_H_
