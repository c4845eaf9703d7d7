#!/usr/bin/env python3
"""Runs Plumb and its peers in turn on the same weights and ids, and prints one table; tools/bench/compare.sh starts it."""

import argparse
import json
import os
import platform
import shutil
import sys
import time

import peers_python
from result_rows import table
from sections import SECTIONS, Setting
from sides import HERE, Plumb, SideFailed, run

VOCABULARIES = {"bench-t": 4096, "bench-p": 8192}


def count_from(least):
    """The type of an option that is a whole number."""
    def count(text):
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"'{text}', expected a whole number from {least} on")
        return int(text)
    return count


def parse(arguments):
    parser = argparse.ArgumentParser(prog="compare.sh", description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; all without any")
    parser.add_argument("--plumb", default="build/plumb", help="the program")
    parser.add_argument("--cache", required=True, help="folder for the peers, models and logs; kept, and used again")
    parser.add_argument("--rounds", type=count_from(1), default=5)
    parser.add_argument("--isa", choices=["auto", "avx2"], default="auto", help="of both sides, but for llama.cpp")
    parser.add_argument("--threads", type=count_from(0), default=0, help="of each side; 0: one per core")
    parser.add_argument("--out", help="file to append rows to, as JSON")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such section; sections: {', '.join(SECTIONS)}")
    options.sections = options.sections or list(SECTIONS)
    if not shutil.which(options.plumb):
        parser.error(f"--plumb: {options.plumb}: no such program; the README says how to build it")
    if options.out:
        try:
            open(options.out, "a", encoding="utf-8").close()
        except OSError as error:
            parser.error(f"--out: {options.out}: {error.strerror}")
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


def make_models(setting, presets):
    """Writes what is not there yet."""
    for preset in presets:
        prompts = setting.prompts(preset)
        if not os.path.exists(prompts):
            run([setting.python, os.path.join(HERE, "make_tokenizer.py"), "--vocabulary", str(VOCABULARIES[preset]),
                 "--out", os.path.dirname(prompts)])
        if not os.path.exists(setting.model(preset)):
            setting.plumb.run("init", "--preset", preset, "--tokenizer",
                              os.path.join(os.path.dirname(prompts), "tokenizer.json"), "--seed", "1", "--out",
                              setting.model(preset))


def prepare(options):
    """The setting, with all that the wanted sections need."""
    wanted = [SECTIONS[name] for name in options.sections]
    packages = sorted({package for section in wanted for package in section.packages})
    environment = environment_of(options)
    work = os.path.join(options.cache, "work")
    os.makedirs(work, exist_ok=True)
    setting = Setting(Plumb(options.plumb, environment, options.threads), peers_python.find(options.cache, packages),
                      environment, work, options.rounds)
    make_models(setting, [preset for preset in VOCABULARIES if preset in {section.preset for section in wanted}])
    return setting


def rows_of(name, setting):
    """The rows of a section; none where a side failed, which it says."""
    print(f"compare: {name} ...", file=sys.stderr, flush=True)
    try:
        return SECTIONS[name].rows(setting)
    except SideFailed as failure:
        print(f"compare: {name}: {failure}", file=sys.stderr, flush=True)
        return []
    finally:
        setting.close_peers()


def append(path, lines):
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        lines = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return lines[0] if lines else platform.machine()


def main(arguments):
    """Exit status 0 when every section has rows, 1 when a side failed in one, 2 for options, 3 for what is missing."""
    options = parse(arguments)
    try:
        setting = prepare(options)
        version = setting.plumb.run("--version").split("\n")[0]
    except SideFailed as failure:
        print(f"compare: {failure}", file=sys.stderr)
        return 3
    rows, failed = [], []
    for name in options.sections:
        found = rows_of(name, setting)
        append(options.out, [row.json() for row in found])  # at once: the next section takes minutes
        rows += found
        failed += [] if found else [name]
    append(options.out, [json.dumps({"versions": setting.versions, "isa": options.isa, "plumb": version})])
    print(f"{time.strftime('%Y-%m-%d')}, {processor()}, {len(os.sched_getaffinity(0))} cores, isa {options.isa}, {version}")
    print(", ".join(f"{key} {value}" for key, value in setting.versions.items()))
    print(table(rows))
    if failed:
        print(f"compare: no result for {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
