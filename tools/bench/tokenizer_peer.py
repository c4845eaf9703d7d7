#!/usr/bin/env python3
"""A round of `plumb bench tokenizer` by Hugging Face tokenizers on one thread. Needs the package `tokenizers`.

  tokenizer_peer.py --tokenizer tokenizer.json --input text.txt [--call encode|encode_fast]

encode         Tokenizer.encode, with offsets, as Plumb gives them too
encode_fast    encode_batch_fast of the one text, without offsets
"""

import argparse
import hashlib
import json
import os
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--call", choices=["encode", "encode_fast"], default="encode_fast")
    options = parser.parse_args()
    from tokenizers import Tokenizer  # behind the environment that it reads
    tokenizer = Tokenizer.from_file(options.tokenizer)
    with open(options.input, encoding="utf-8", newline="") as file:
        text = file.read()
    tokenizer.encode(text[:100000], add_special_tokens=False)  # warm, as the other side is
    begin = time.perf_counter()
    if options.call == "encode":
        encoding = tokenizer.encode(text, add_special_tokens=False)
    else:
        encoding = tokenizer.encode_batch_fast([text], add_special_tokens=False)[0]
    seconds = time.perf_counter() - begin
    digest = hashlib.sha256(",".join(map(str, encoding.ids)).encode()).hexdigest()
    print(json.dumps({"seconds": seconds, "digest": digest}), flush=True)


if __name__ == "__main__":
    main()
