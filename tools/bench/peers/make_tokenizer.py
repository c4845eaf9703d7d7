#!/usr/bin/env python3
"""Makes what both sides of a comparison share: a byte-level BPE tokenizer.json and prompts of an exact length.

    make_tokenizer.py --vocabulary 4096 --out FOLDER [--prompts 256 --length 64]

FOLDER/tokenizer.json is trained on made-up words, the same on every machine; it has no end token of its own, so that
completions end at their length. FOLDER/prompts.jsonl has rows {"prompt": text}.
"""

import argparse
import json
import os
import random

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIALS = ["<|bos|>", "<|eos|>", "<|pad|>", "<|user|>"]


def lines(count, seed):
    """Made-up sentences, numbers and a little code."""
    rng = random.Random(seed)
    syllables = [a + b + c for a in "bcdfghklmnprstvw" for b in "aeiou" for c in ("", "n", "r", "s", "l")]
    words = ["".join(rng.choice(syllables) for _ in range(rng.randint(1, 4))) for _ in range(6000)]
    for _ in range(count):
        chosen = [words[int(len(words) * rng.random() ** 3)] for _ in range(rng.randint(6, 20))]
        yield " ".join(chosen) + rng.choice([". ", "! ", "? ", ", "])
        yield f"x_{rng.randint(0, 99)} = {rng.randint(0, 9999)} + {rng.randint(0, 99)};\n"


def train(vocabulary):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), "isolated"),
        pre_tokenizers.Split(Regex(r"[^\r\n\p{L}\p{N}]?\p{L}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
                             "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(lines(12000, seed=7), trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=SPECIALS, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return tokenizer


def exact_prompts(tokenizer, count, length):
    """Texts that encode to exactly `length` tokens."""
    found, waiting = [], []
    for line in lines(count * length, seed=11):
        waiting += tokenizer.encode(line).ids
        while len(waiting) >= length and len(found) < count:
            text = tokenizer.decode(waiting[:length])
            waiting = waiting[length:]
            if len(tokenizer.encode(text).ids) == length:
                found.append(text)
        if len(found) == count:
            return found
    raise SystemExit(f"only {len(found)} texts of exactly {length} tokens")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vocabulary", type=int, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--prompts", type=int, default=256)
    parser.add_argument("--length", type=int, default=64)
    options = parser.parse_args()
    tokenizer = train(options.vocabulary)
    if tokenizer.get_vocab_size() != options.vocabulary:
        raise SystemExit(f"the text gives {tokenizer.get_vocab_size()} tokens, expected {options.vocabulary}")
    os.makedirs(options.out, exist_ok=True)
    tokenizer.save(os.path.join(options.out, "tokenizer.json"))
    with open(os.path.join(options.out, "prompts.jsonl"), "w", encoding="utf-8") as file:
        for prompt in exact_prompts(tokenizer, options.prompts, options.length):
            file.write(json.dumps({"prompt": prompt}) + "\n")


if __name__ == "__main__":
    main()
