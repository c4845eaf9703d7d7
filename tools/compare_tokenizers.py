#!/usr/bin/env python3
"""Compares `plumb tokenize` with Hugging Face tokenizers on random strings: ids with and without special tokens, and
texts decoded from those ids and from random ones, with special tokens kept and left out.

  compare_tokenizers.py [--count 100000] [--seed 0] [--plumb build/plumb] [--make FOLDER] [--characters] [FOLDER ...]

FOLDER holds a tokenizer.json. --make writes tokenizers of the styles of Llama-3, Qwen and GPT-2, and one that uses
every component, into subfolders of FOLDER, and compares these too. --characters compares instead what each class of
characters and each normal form makes of every code point of Unicode, alone and among combining marks. Needs the
package `tokenizers`. Prints a line for each tokenizer and the first differences; exit status 1 where there is one.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

from compare_tokenizers_styles import character_classes, make_styles, write_files
from tokenizers import Tokenizer

# Ranges of code points that tokenizers treat in their own ways, with a weight each.
CLASSES = [
    (30, [(0x61, 0x7A)]), (8, [(0x41, 0x5A)]), (10, [(0x30, 0x39)]), (12, [(0x20, 0x20)]), (5, [(0x0A, 0x0A)]),
    (4, [(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)]),
    (2, [(0x09, 0x0D), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
         (0x205F, 0x205F), (0x3000, 0x3000), (0x180E, 0x180E), (0x200B, 0x200D), (0xFEFF, 0xFEFF), (0x1C, 0x1F)]),
    (3, [(0xC0, 0x24F)]), (2, [(0x370, 0x3FF)]), (2, [(0x400, 0x52F)]), (1, [(0x300, 0x36F), (0x20D0, 0x20F0)]),
    (3, [(0x4E00, 0x9FFF)]), (2, [(0x3040, 0x30FF)]), (2, [(0xAC00, 0xD7A3)]), (1, [(0x1100, 0x11FF)]),
    (1, [(0x590, 0x6FF)]), (1, [(0x900, 0x97F), (0xE00, 0xE7F)]), (2, [(0xFF01, 0xFF5E), (0x3001, 0x303F)]),
    (1, [(0x660, 0x669), (0x6F0, 0x6F9), (0x966, 0x96F), (0xB2, 0xB3), (0xB9, 0xB9), (0xBC, 0xBE), (0x2150, 0x218B),
         (0x2460, 0x249B), (0x3220, 0x3229), (0x1D7CE, 0x1D7FF)]),
    (2, [(0x1F300, 0x1F64F), (0x1F900, 0x1F9FF)]), (1, [(0x2190, 0x22FF), (0x2500, 0x25FF), (0xA2, 0xA9)]),
    (1, [(0x1D400, 0x1D4FF), (0x10400, 0x1044F), (0x20000, 0x2A6DF)]), (1, [(0xFB00, 0xFB06), (0x132, 0x133), (0x1C4, 0x1CC)]),
    (1, [(0x00, 0x08), (0x7F, 0x84), (0xFFF9, 0xFFFD), (0xE000, 0xE010), (0xFFFE, 0xFFFF), (0x10FFFE, 0x10FFFF)]),
    (1, [(0x01, 0xD7FF), (0xE000, 0x323AF), (0xE0000, 0xE01EF)]),
]
WORDS = ["don't", "I'LL", "we've", "'s", "'S", "\u017f", "'\u017f", "http://x.org/a_b?c=1", "foo_bar", "x=12345;", "3.14", "\r\n",
         "\n\n", "  ", "\t\t", "    ", "</", "<|", "|>", "<\uff5c", "\uff5c>", "\u2581", "Ġ", "Ċ", "Ã©", "ï¿½", "\ufffd", "e\u0301", "\u1e69", "s\u0323\u0307",
         "\u1100\u1161\u11a8", "\uac00\u11a8", "\u0344", "\u2126", "\ufb01", "ﾊﾟ", "👩\u200d💻", "🇩🇪", "Führer", "naïve", "ÿ", "中文", "こんにちは", "안녕", "résumé"]


def random_character(random_, classes, weights):
    first, last = random_.choice(random_.choices(classes, weights)[0])
    return chr(random_.randint(first, last))


def random_text(random_, added, classes, weights):
    parts = []
    for _ in range(random_.choice([1, 1, 2, 3, 5, 9])):
        kind = random_.random()
        if added and kind < 0.25:
            token = random_.choice(added)
            parts.append(token if random_.random() < 0.8 else token[:random_.randint(0, len(token))])
        elif kind < 0.5:
            parts.append(random_.choice(WORDS))
        elif kind < 0.6:
            parts.append(random_character(random_, classes, weights) * random_.randint(1, 20))
        else:
            parts.append("".join(random_character(random_, classes, weights) for _ in range(random_.randint(1, 12))))
    return random_.choice(["", "", "", " ", "\n"]).join(parts)


def run_plumb(plumb, folder, rows, flags):
    with tempfile.TemporaryDirectory() as temporary:
        source = os.path.join(temporary, "rows.jsonl")
        with open(source, "w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        # The rows of this run are about tokenizer.json alone, so the other files of the folder are left out.
        shutil.copy(os.path.join(folder, "tokenizer.json"), temporary)
        done = subprocess.run([plumb, "tokenize", "--model", temporary, "--input", source] + flags,
                              capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        sys.exit(f"{folder}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.split("\n") if line]


class Comparison:
    def __init__(self, name):
        self.name, self.compared, self.different = name, 0, 0

    def check(self, what, source, ours, theirs):
        self.compared += 1
        if ours == theirs:
            return
        self.different += 1
        if self.different <= 5:
            print(f"  {self.name}, {what} of {source!r}:\n    plumb      {ours!r}\n    tokenizers {theirs!r}")


def with_one_bos(encoding):
    """The ids, without the BOS that a post-processor puts in front of a text that begins with one."""
    ids, added = encoding.ids, encoding.special_tokens_mask  # added by the post-processor, not found in the text
    return ids[1:] if len(ids) > 1 and ids[0] == ids[1] and added[0] and not added[1] else ids


def compare(folder, plumb, count, seed):
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    random_ = random.Random(f"{seed} {os.path.basename(folder)}")
    added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    added = random_.sample(added, min(len(added), 60))
    weights, classes = [weight for weight, _ in CLASSES], [ranges for _, ranges in CLASSES]
    texts = [random_text(random_, added, classes, weights) for _ in range(count)]
    rows = [{"text": text} for text in texts]
    result = Comparison(os.path.basename(folder))
    plain = run_plumb(plumb, folder, rows, ["--no-special-tokens"])
    special = run_plumb(plumb, folder, rows, ["--add-special-tokens"])
    id_rows = []
    for text, ours, ours_special in zip(texts, plain, special, strict=True):
        theirs = tokenizer.encode(text, add_special_tokens=False).ids
        result.check("ids", text, ours["ids"], theirs)
        result.check("ids with special tokens", text, ours_special["ids"], with_one_bos(tokenizer.encode(text)))
        id_rows.append(theirs)
    size = tokenizer.get_vocab_size()
    id_rows += [[random_.randrange(size) for _ in range(random_.randint(1, 12))] for _ in range(count // 5)]
    for skip in [False, True]:
        decoded = run_plumb(plumb, folder, [{"ids": ids} for ids in id_rows], ["--skip-special-tokens"] if skip else [])
        for ids, ours in zip(id_rows, decoded, strict=True):
            result.check("text", ids, ours["text"], tokenizer.decode(ids, skip_special_tokens=skip))
    print(f"{folder}: {count} texts, {len(id_rows)} id lists, {result.compared} comparisons, {result.different} differences")
    return result.different


def compare_characters(folder, plumb):
    """Every code point, those of a block in one text."""
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    points = [point for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000]
    differing = []
    blocks = [points[i:i + 64] for i in range(0, len(points), 64)]
    while blocks:
        texts = ["\n" + "".join(f"{chr(point)}\n\na\u0345{chr(point)}\u0334\n\n" for point in block) for block in blocks]
        ours = run_plumb(plumb, folder, [{"text": text} for text in texts], ["--no-special-tokens"])
        wrong = [block for block, text, row in zip(blocks, texts, ours, strict=True)
                 if row["ids"] != tokenizer.encode(text, add_special_tokens=False).ids]
        differing += [block[0] for block in wrong if len(block) == 1]
        blocks = [[point] for block in wrong if len(block) > 1 for point in block]
    name = json.dumps(json.loads(tokenizer.to_str())["pre_tokenizer"]["pretokenizers"][0].get("pattern", os.path.basename(folder)))
    print(f"{name}: {len(points)} code points, {len(differing)} differences " + " ".join(f"{point:X}" for point in differing))
    return len(differing)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--count", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plumb", default="build/plumb")
    parser.add_argument("--make")
    parser.add_argument("--characters", action="store_true")
    options = parser.parse_args()
    if options.characters:
        with tempfile.TemporaryDirectory() as temporary:
            return 1 if sum([compare_characters(folder, options.plumb) for folder in write_files(temporary, character_classes())]) else 0
    folders = options.folders + (make_styles(options.make) if options.make else [])
    if not folders:
        parser.error("no folder and no --make")
    different = sum([compare(folder, options.plumb, options.count, options.seed) for folder in folders])
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
