#include "text/chat_template.h"

#include <utility>

#include "base/status_macros.h"
#include "text/jinja/parser.h"
#include "text/jinja/renderer.h"

namespace plumb {
namespace {

constexpr size_t kMaxSourceBytes = size_t{1} << 20;  // published ones have a hundredth of it

class JinjaChatTemplate final : public ChatTemplate {
 public:
  explicit JinjaChatTemplate(jinja::Syntax syntax) : syntax_(std::move(syntax)) {}

  absl::StatusOr<RenderedChat> Render(const Json& variables) const override {
    ASSIGN_OR_RETURN(const jinja::Value values, jinja::Value::OfJson(variables));
    if (values.dict() == nullptr) return absl::InvalidArgumentError("the variables of a template are not an object");
    jinja::Renderer renderer(syntax_);
    RETURN_IF_ERROR(renderer.Render(*values.dict()));
    return RenderedChat{renderer.text(), renderer.generation_spans()};
  }
  bool has_generation_blocks() const override { return syntax_.has_generation; }

 private:
  const jinja::Syntax syntax_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ChatTemplate>> ChatTemplate::Parse(absl::string_view source) {
  if (source.size() > kMaxSourceBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the template has ", source.size(), " bytes, at most ", kMaxSourceBytes, " are read"));
  }
  ASSIGN_OR_RETURN(jinja::Syntax syntax, jinja::ParseTemplate(source));
  std::unique_ptr<ChatTemplate> result = std::make_unique<JinjaChatTemplate>(std::move(syntax));
  return result;
}

}  // namespace plumb
