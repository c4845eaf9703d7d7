"""Tokenizers in the styles of published files, made with Hugging Face tokenizers itself, for compare_tokenizers.py."""

import json
import os
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

LLAMA3_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
                  r"\s+(?!\S)|\s+")
QWEN_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
                r"\s+(?!\S)|\s+")
O200K_PATTERN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
                 r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
                 r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BYTE_LEVEL = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def corpus():
    random_ = random.Random(7)
    syllables = ["ba", "ken", "tor", "mi", "su", "the ", "and ", "of", "ing ", "ed ", "'s ", "é", "ü", "ñ", "中", "文", "の", "한", "да", "не ", "12",
                 "7", " = ", "();\n", "    ", "\n\n", ".", ", ", "!", "😀", "à la ", "http://", "_x"]
    return ["".join(random_.choices(syllables, k=60)) for _ in range(3000)]


def train(normalizer, pre_tokenizer, size, alphabet=True):
    tokenizer = Tokenizer(models.BPE())
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if alphabet else []))
    return tokenizer


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(pattern if isinstance(pattern, str) else Regex(pattern[0]), behavior, invert)


def llama3():
    tokenizer = train(None, pre_tokenizers.Sequence([split([LLAMA3_PATTERN]), BYTE_LEVEL]), 900)
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"])
    begin = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B",
                                      special_tokens=[("<|begin_of_text|>", begin)])])
    file = json.loads(tokenizer.to_str())
    file["model"]["ignore_merges"] = True
    return file


def qwen():
    tokenizer = train(normalizers.NFC(), pre_tokenizers.Sequence([split([QWEN_PATTERN]), BYTE_LEVEL]), 900)
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in ["<tool_call>", "</tool_call>", "<think>", "</think>"]])
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    return json.loads(tokenizer.to_str())


def gpt2(add_prefix_space):
    tokenizer = train(None, pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space), 800)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", lstrip=True, normalized=True)])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    file = json.loads(tokenizer.to_str())
    file["model"]["merges"] = [" ".join(merge) for merge in file["model"]["merges"]]
    return file


def o200k():
    tokenizer = train(None, pre_tokenizers.Sequence([split([O200K_PATTERN]), BYTE_LEVEL]), 900)
    tokenizer.add_special_tokens(["<|startoftext|>", "<|return|>"])
    return json.loads(tokenizer.to_str())


def everything():
    """Rare components and flags at once; a vocabulary without some bytes and with an unknown token."""
    normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("foo", "bar"), normalizers.Replace(Regex(" {3,}"), "  "),
                                       normalizers.Strip(left=False, right=True), normalizers.Prepend("\u2581")])
    stages = [split("_", "merged_with_previous"), split([r"\d+(?=\.)"], "removed"), split([r"[^\s]+"], "contiguous", invert=True),
              split(["[!?]"], "merged_with_next"), pre_tokenizers.Digits(individual_digits=False), BYTE_LEVEL]
    tokenizer = train(normalizer, pre_tokenizers.Sequence(stages), 600, alphabet=False)
    tokenizer.add_special_tokens([AddedToken("<s>", rstrip=True), AddedToken("[UNK]"), AddedToken("<mask>", lstrip=True, rstrip=True)])
    tokenizer.add_tokens([AddedToken("bar", single_word=True, normalized=True), AddedToken("ü", normalized=True), AddedToken("  ", normalized=False),
                          AddedToken("ＡＢ", normalized=True), AddedToken("<s><s>"), AddedToken("x_y", single_word=True, lstrip=True)])
    first = tokenizer.token_to_id("<s>")
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A <s>", special_tokens=[("<s>", first)])
    file = json.loads(tokenizer.to_str())
    file["model"]["unk_token"] = "a"
    file["model"]["fuse_unk"] = True
    file["decoder"] = {"type": "Sequence", "decoders": [file["decoder"], {"type": "Fuse"}]}
    return file


def character_classes():
    """One tokenizer for each class of characters that patterns and stages know: it leaves out what belongs to it."""
    patterns = [r"\p{L}", r"\p{N}", r"\p{P}", r"\p{S}", r"\p{M}", r"\p{Lu}", r"\p{Ll}", r"\p{Lt}", r"\p{Lm}", r"\p{Lo}", r"\s", r"\S",
                r"\w", r"\d", r"[^\S]", r"\p{Han}", r"(?i:[a-z])"]
    stages = {f"class-{number}": split([pattern], "removed") for number, pattern in enumerate(patterns)}
    files = {name: every_byte(None, [stage]) for name, stage in stages.items()}
    files["class-digits"] = every_byte(None, [pre_tokenizers.Digits(individual_digits=True), split([r"\n[^\n]\n"], "removed")])
    for form in [normalizers.NFC(), normalizers.NFD(), normalizers.NFKC(), normalizers.NFKD(), normalizers.Strip()]:
        files[f"form-{type(form).__name__}"] = every_byte(form, [])
    return files


def every_byte(normalizer, stages):
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, merges=[]))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(stages + [BYTE_LEVEL])
    tokenizer.decoder = decoders.ByteLevel()
    return json.loads(tokenizer.to_str())


def make_styles(folder):
    """Writes the tokenizers. Returns their folders."""
    return write_files(folder, {"llama3-style": llama3(), "qwen-style": qwen(), "gpt2-style": gpt2(False),
                                "gpt2-prefix-style": gpt2(True), "o200k-style": o200k(), "everything": everything()})


def write_files(folder, styles):
    folders = []
    for name, file in styles.items():
        folders.append(os.path.join(folder, name))
        os.makedirs(folders[-1], exist_ok=True)
        with open(os.path.join(folders[-1], "tokenizer.json"), "w", encoding="utf-8") as output:
            json.dump(file, output, ensure_ascii=False)
    return folders
