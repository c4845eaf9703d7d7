#!/usr/bin/env python3
"""Trains the demo's tokenizer on the rows of this folder: byte-level BPE, every digit a token of its own.

  make_tokenizer.py [--merges N] [--output FOLDER]

Writes tokenizer.json and tokenizer_config.json. The result depends on the rows alone.
"""

import argparse
import collections
import json
import os
import re

FOLDER = os.path.dirname(os.path.abspath(__file__))
SPECIAL_TOKENS = ["<|bos|>", "<|eos|>", "<|pad|>"]
# In tokenizer.json, \p{L} and \p{N}; the rows are ASCII, so that these are the same pieces.
PATTERN = r"\n#+ |\p{N}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s"
ASCII_PATTERN = re.compile(PATTERN.replace(r"\s\p{L}\p{N}", r"\sA-Za-z0-9").replace(r"\p{N}", "[0-9]")
                           .replace(r"\p{L}", "[A-Za-z]"))


def byte_characters():
    """The printable character that byte-level BPE writes for each byte, as the file format has it since GPT-2."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    characters = {byte: chr(byte) for byte in printable}
    characters.update({byte: chr(256 + index) for index, byte in enumerate(others)})
    return characters


def count_pieces(texts):
    characters = byte_characters()
    pieces = collections.Counter(piece for text in texts for piece in ASCII_PATTERN.findall(text))
    return {tuple(characters[byte] for byte in piece.encode()): count for piece, count in pieces.items()}


def merge_pair(symbols, pair):
    merged, index = [], 0
    while index < len(symbols):
        if symbols[index:index + 2] == pair:
            merged.append(symbols[index] + symbols[index + 1])
            index += 2
        else:
            merged.append(symbols[index])
            index += 1
    return tuple(merged)


def train_merges(pieces, limit):
    """The most frequent pair first, ties by the pair itself, until every piece is one token or `limit` is reached."""
    merges = []
    while len(merges) < limit:
        pairs = collections.Counter()
        for symbols, count in pieces.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        merged_pieces = collections.Counter()
        for symbols, count in pieces.items():
            merged_pieces[merge_pair(symbols, best)] += count
        pieces = merged_pieces
    return merges


def tokenizer_json(merges):
    tokens = SPECIAL_TOKENS + list(byte_characters().values()) + [left + right for left, right in merges]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": index, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for index, token in enumerate(SPECIAL_TOKENS)],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {token: index for index, token in enumerate(tokens)},
                  "merges": [" ".join(pair) for pair in merges]},
    }


def tokenizer_config():
    return {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|bos|>", "eos_token": "<|eos|>",
            "pad_token": "<|pad|>", "add_bos_token": False, "add_eos_token": False,
            "clean_up_tokenization_spaces": False, "model_max_length": 128}


def read_texts():
    """The texts as the demo's configurations join them: question, line feed, answer."""
    for name in ["sft.jsonl", "train.jsonl"]:
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                yield row["question"] + "\n" + row["answer"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--merges", type=int, default=400)
    parser.add_argument("--output", default=FOLDER)
    arguments = parser.parse_args()
    merges = train_merges(count_pieces(read_texts()), arguments.merges)
    for name, content in [("tokenizer.json", tokenizer_json(merges)), ("tokenizer_config.json", tokenizer_config())]:
        with open(os.path.join(arguments.output, name), "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
