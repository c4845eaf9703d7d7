#!/usr/bin/env python3
"""A small reward plug-in: is the last number of the completion the row's answer, and is the completion short?

    python3 examples/reward_python/server.py --listen 127.0.0.1:7000
"""

import argparse
import json
import re

from plugin_server import Plugin, Result, invalid, serve

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def last_number(text):
    numbers = NUMBER.findall(text)
    return float(numbers[-1].replace(",", "")) if numbers else None


def make_score(brevity_weight):
    def score(item):
        row = json.loads(item.row_json or "{}")
        if "answer" not in row:
            return invalid("the row has no field 'answer'")
        right = last_number(str(row["answer"]))
        if right is None:
            return invalid(f"no number in the row's answer {row['answer']!r}")
        found = last_number(item.completion)
        correct = 1.0 if found == right else 0.0
        brevity = 1.0 / (1.0 + len(item.completion) / 100.0)
        return Result(
            value=correct + brevity_weight * brevity,
            components={"correct": correct, "brevity": brevity},
            message=f"read {found}, expected {right}",
        )

    return score


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", default="127.0.0.1:0", help="host:port or unix:/path; port 0 takes a free one")
    parser.add_argument("--brevity-weight", type=float, default=0.0, help="what a short completion is worth")
    arguments = parser.parse_args()
    plugin = Plugin(
        name="reward_python",
        version="1",
        score=make_score(arguments.brevity_weight),
        components=["correct", "brevity"],
    )
    serve(plugin, arguments.listen)


if __name__ == "__main__":
    main()
