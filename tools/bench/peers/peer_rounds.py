"""What every peer of tools/bench/compare.py shares: the protocol, token ids, threads.

A peer prints one JSON line when it is ready, {"ready": ...}; then it reads a JSON line for each round, does the round, and
prints a JSON line with its "seconds". It ends with its input.
"""

import json
import os
import resource
import sys

MASK = (1 << 64) - 1


def mix(value):
    """The output function of SplitMix64, as in tools/bench/bench_model.cc."""
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def bench_ids(row, count, vocabulary):
    """The ids that `plumb bench` takes for this row."""
    return [16 + mix((row << 32) + position) % (vocabulary - 16) for position in range(count)]


def threads():
    return int(os.environ.get("PEER_THREADS", "0")) or len(os.sched_getaffinity(0))


def peak_gigabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def say(**row):
    row["peak_memory_gigabytes"] = peak_gigabytes()
    print(json.dumps(row), flush=True)


def next_order():
    """The next round's line; None at the end."""
    line = sys.stdin.readline()
    return json.loads(line) if line.strip() else None


def serve(ready, do_round):
    """Answers every order with what do_round(order) returns."""
    say(ready=ready)
    while (order := next_order()) is not None:
        say(**do_round(order))
