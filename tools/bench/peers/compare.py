#!/usr/bin/env python3
"""Runs Plumb and its peers in turn on the same weights and ids, and prints one table; tools/bench/compare.sh starts it."""

import argparse
import json
import os
import platform
import subprocess
import sys
import time

from result_rows import table
from sections import SECTIONS, Setting
from sides import HERE, Plumb

PRESETS = {"bench-t": 4096, "bench-p": 8192}


def parse():
    parser = argparse.ArgumentParser(prog="compare.sh", description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; all without any")
    parser.add_argument("--plumb", default="build/plumb", help="the program")
    parser.add_argument("--work", required=True, help="folder for models and logs; kept, and used again")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--isa", choices=["auto", "avx2"], default="auto", help="of both sides, but for llama.cpp")
    parser.add_argument("--threads", type=int, default=0, help="of each side; 0: one per core")
    parser.add_argument("--out", help="file to append rows to, as JSON")
    options = parser.parse_args()
    unknown = [name for name in options.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such section; sections: {', '.join(SECTIONS)}")
    return options


def environment_of(options):
    """What both sides run with. llama.cpp is built for the machine that it runs on: its instruction set cannot be pinned."""
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error",
                       TOKENIZERS_PARALLELISM="false", PEER_THREADS=str(options.threads))
    if options.threads:
        environment["OMP_NUM_THREADS"] = str(options.threads)
    if options.isa == "avx2":
        environment.update(PLUMB_ISA="avx2", ATEN_CPU_CAPABILITY="avx2", ONEDNN_MAX_CPU_ISA="AVX2",
                           MKL_ENABLE_INSTRUCTIONS="AVX2")
    return environment


def make_models(options, presets):
    """Writes what is not there yet."""
    for preset in presets:
        tokenizer = os.path.join(options.work, f"tokenizer-{preset}")
        if not os.path.exists(os.path.join(tokenizer, "prompts.jsonl")):
            subprocess.run([sys.executable, os.path.join(HERE, "make_tokenizer.py"), "--vocabulary",
                            str(PRESETS[preset]), "--out", tokenizer], check=True)
        if not os.path.exists(os.path.join(options.work, preset)):
            subprocess.run([options.plumb, "init", "--preset", preset, "--tokenizer",
                            os.path.join(tokenizer, "tokenizer.json"), "--seed", "1", "--out",
                            os.path.join(options.work, preset)], check=True, stdout=subprocess.DEVNULL)


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        lines = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return lines[0] if lines else platform.machine()


def main():
    options = parse()
    os.makedirs(options.work, exist_ok=True)
    wanted = options.sections or list(SECTIONS)
    make_models(options, [preset for preset in PRESETS if preset == "bench-t" or "large" in wanted])
    environment = environment_of(options)
    setting = Setting(Plumb(options.plumb, environment), environment, options.work, options.rounds, {})
    rows = []
    for name in wanted:
        print(f"compare: {name} ...", file=sys.stderr, flush=True)
        rows += SECTIONS[name](setting)
    version = subprocess.run([options.plumb, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    print(f"{time.strftime('%Y-%m-%d')}, {processor()}, {len(os.sched_getaffinity(0))} cores, isa {options.isa}, {version}")
    print(", ".join(f"{key} {value}" for key, value in setting.versions.items()))
    print(table(rows))
    if options.out:
        with open(options.out, "a", encoding="utf-8") as file:
            file.write(json.dumps({"versions": setting.versions, "isa": options.isa, "plumb": version}) + "\n")
            file.writelines(row.json() + "\n" for row in rows)


if __name__ == "__main__":
    main()
