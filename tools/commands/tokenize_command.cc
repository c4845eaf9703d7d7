#include "base/printable_text.h"
#include "base/status_macros.h"
#include "text/dataset.h"
#include "text/text_codec.h"
#include "tools/commands/commands.h"
#include "tools/row_files.h"
#include "tools/row_options.h"

namespace plumb::cli {
namespace {

// Tokens alternate between two background colours; trained ones are bold and green.
std::string ColoredTokens(const EncodedChat& encoded, const Tokenizer& tokenizer) {
  std::string line;
  for (size_t i = 0; i < encoded.ids.size(); ++i) {
    const std::string bytes = PrintableText(tokenizer.TokenBytes(encoded.ids[i]));
    absl::StrAppend(&line, i % 2 == 0 ? "\x1b[48;5;236" : "\x1b[48;5;240", encoded.train_mask[i] ? ";1;32m" : ";37m",
                    bytes, "\x1b[0m");
  }
  return line;
}

class Tokenize : public Command {
 public:
  void Declare(OptionSet& options) override {
    options_ = &options;
    options.Required("--model", "DIR", model_, "Folder with tokenizer.json; a policy folder is one.");
    options.Required("--input", "FILE", input_,
                     "JSONL rows with text, messages, prompt and completion, question and answer, or ids; - is stdin.");
    options.Text("--output", "FILE", output_, "Where to write; - is stdout.");
    options.Flag("--add-special-tokens", add_special_tokens_, "Text: obey the post-processor (this is the default).");
    options.Flag("--no-special-tokens", no_special_tokens_, "Text: add no tokens.");
    options.Flag("--add-generation-prompt", add_generation_prompt_, "Messages: end with the start of an answer.");
    DeclarePromptTemplate(options, data_);
    DeclareCompletionTemplate(options, data_);
    options.Flag("--skip-special-tokens", skip_special_tokens_, "Ids: leave special tokens out of the text.");
    options.Flag("--color", color_, "Print the tokens in colours, trained ones green, instead of JSON.");
  }

  absl::Status Run() override {
    if (add_special_tokens_ && no_special_tokens_) {
      return absl::InvalidArgumentError("--no-special-tokens: contradicts --add-special-tokens");
    }
    ASSIGN_OR_RETURN(const std::vector<InputRow> rows, ReadRows(input_));
    ASSIGN_OR_RETURN(const std::unique_ptr<TextCodec> codec, TextCodec::Load(model_));
    ASSIGN_OR_RETURN(const std::unique_ptr<RowWriter> writer, RowWriter::Open(output_));
    for (const InputRow& row : rows) {
      absl::StatusOr<EncodedChat> encoded = Encode(row, *codec);
      if (!encoded.ok()) return Annotate(encoded.status(), row.place);
      RETURN_IF_ERROR(color_ ? writer->WriteLine(ColoredTokens(*encoded, codec->tokenizer()))
                             : writer->Write(EncodedJson(*encoded)));
    }
    return writer->Flush();
  }

 private:
  absl::StatusOr<EncodedChat> Encode(const InputRow& row, const TextCodec& codec) const {
    const std::vector<std::string> keys = {"text", "messages", "prompt", "question", "ids"};
    const auto has = [&row](const std::string& key) { return row.row.contains(key); };
    const auto number = std::count_if(keys.begin(), keys.end(), has);
    const bool other_keys = number == 0 && options_->Given("--prompt-template");
    if (number != 1 && !other_keys) {
      return absl::InvalidArgumentError("expected exactly one of text, messages, prompt, question and ids");
    }
    if (has("text")) return EncodeText(row, codec);
    if (has("ids")) return Decode(row, codec.tokenizer());
    if (has("messages") && !data_.no_chat_template) {
      return codec.EncodeChat(row.row["messages"], add_generation_prompt_);
    }
    const RowFormat format = has("messages") ? RowFormat::kMessages
                             : has("prompt") ? RowFormat::kPromptCompletion
                                             : RowFormat::kQuestionAnswer;
    return EncodeAsTraining(row, format, codec);
  }

  absl::StatusOr<EncodedChat> EncodeText(const InputRow& row, const TextCodec& codec) const {
    EncodedChat encoded;
    ASSIGN_OR_RETURN(encoded.text, JsonString(row.row, "text", "row"));
    ASSIGN_OR_RETURN(encoded.ids, codec.EncodeText(encoded.text, !no_special_tokens_));
    encoded.train_mask.assign(encoded.ids.size(), false);
    return encoded;
  }

  absl::StatusOr<EncodedChat> EncodeAsTraining(const InputRow& row, RowFormat format, const TextCodec& codec) const {
    JsonlRow as_read;
    as_read.json = row.row;
    ASSIGN_OR_RETURN(SftRow trained, ReadSftRow(ToDataConfig(data_, input_), format, as_read, codec));
    EncodedChat encoded;
    for (const int64_t id : trained.ids) encoded.text += codec.tokenizer().TokenBytes(id);
    encoded.ids = std::move(trained.ids);
    encoded.train_mask = std::move(trained.train_mask);
    return encoded;
  }

  absl::StatusOr<EncodedChat> Decode(const InputRow& row, const Tokenizer& tokenizer) const {
    EncodedChat decoded;
    ASSIGN_OR_RETURN(decoded.ids, JsonInts(row.row, "ids", "row"));
    for (size_t i = 0; i < decoded.ids.size(); ++i) {
      if (decoded.ids[i] < tokenizer.size()) continue;
      return absl::InvalidArgumentError(absl::StrCat("ids[", i, "] is ", decoded.ids[i], ", expected 0 ... ",
                                                     tokenizer.size() - 1, ", the tokens of tokenizer.json"));
    }
    decoded.text = tokenizer.Decode(decoded.ids, skip_special_tokens_);
    decoded.train_mask.assign(decoded.ids.size(), false);
    return decoded;
  }

  static Json EncodedJson(const EncodedChat& encoded) {
    Json json;
    json["ids"] = encoded.ids;
    json["train_mask"] = encoded.train_mask;
    json["text"] = encoded.text;
    return json;
  }

  const OptionSet* options_ = nullptr;
  RowFlags data_ = DefaultRowFlags();
  std::string model_;
  std::string input_;
  std::string output_ = "-";
  bool add_special_tokens_ = false;
  bool no_special_tokens_ = false;
  bool add_generation_prompt_ = false;
  bool skip_special_tokens_ = false;
  bool color_ = false;
};

}  // namespace

CommandEntry TokenizeCommand() {
  return {
      .name = "tokenize",
      .summary = "Text or messages to token ids, with the training mask; ids back to text.",
      .details =
          "A row of the output has ids, train_mask (true where SFT trains a token; all false for text and ids, which\n"
          "say nothing of what is trained) and text, as it was encoded or is decoded. Rows with a prompt or a "
          "question\n"
          "are read as SFT reads them: with the chat template where the model has one, else with the two templates.",
      .example =
          "echo '{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}' > rows.jsonl\n"
          "plumb tokenize --model runs/my_policy --input rows.jsonl --add-generation-prompt\n"
          "head -3 examples/arithmetic/sft.jsonl |\n"
          "  plumb tokenize --model runs/my_policy --input - --prompt-template '{question}\\n' --color",
      .make = [] { return std::make_unique<Tokenize>(); }};
}

}  // namespace plumb::cli
