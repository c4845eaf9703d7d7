#!/usr/bin/env python3
"""A reward plug-in that scores with reasoning-gym's own scorers.

    python plugin.py --listen 127.0.0.1:7000

Rows come from make_rows.py: `task` names the scorer, `entry` is what it scores against.
"""

import argparse
import functools
import json
import pathlib
import sys
from importlib import metadata

import reasoning_gym

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reward_python"))
from plugin_server import Plugin, Result, invalid, serve  # noqa: E402

scorer_of = functools.lru_cache(maxsize=None)(reasoning_gym.get_score_answer_fn)


def score(item):
    row = json.loads(item.row_json or "{}")
    missing = [key for key in ("task", "entry") if key not in row]
    if missing:
        return invalid(f"the row has no field {' and no field '.join(missing)}; make_rows.py writes both")
    if row["task"] not in reasoning_gym.factory.DATASETS:
        return invalid(f"reasoning-gym has no task {row['task']!r}")
    answer = item.completion.strip()
    value = float(scorer_of(row["task"])(answer, row["entry"]))
    correct = 1.0 if value >= 0.999 else 0.0
    return Result(
        value=value,
        components={"score": value, "correct": correct},
        message=f"{row['task']}: answer {answer[:80]!r}, expected {str(row['entry'].get('answer'))[:80]!r}",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", default="127.0.0.1:0", help="host:port or unix:/path; port 0 takes a free one")
    arguments = parser.parse_args()
    plugin = Plugin(
        name="reasoning_gym", version=metadata.version("reasoning-gym"), score=score, components=["score", "correct"]
    )
    serve(plugin, arguments.listen)


if __name__ == "__main__":
    main()
