#!/usr/bin/env python3
"""Writes rows of a task of the PyPI package reasoning-gym as JSONL.

    python make_rows.py --task spell_backward --options '{"min_word_len": 3, "max_word_len": 4}' \
        --seed 1 --size 2000 --out train.jsonl --exclude held_out.jsonl

A row has `id`, `question` and `answer` (so it serves SFT as it is), and `task` and `entry`, with which plugin.py scores
again. A question stands in one file once, and in none of the files given with --exclude; upper and lower case count as
one, as they do for some scorers. The same arguments give the same file.
"""

import argparse
import json
import pathlib
import sys

import reasoning_gym

# Tasks with few distinct questions repeat themselves; after so many draws for each row wanted there is no more to find.
MAX_DRAWS_PER_ROW = 50


def read_questions(paths):
    questions = set()
    for path in paths:
        for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
            questions.add(json.loads(line)["question"].casefold())
    return questions


def make_rows(task, options, seed, size, seen):
    # The package draws entry i of seed s from the generator s + i, so neighbouring seeds share entries. Seeds here are
    # far apart instead: what is drawn for one is never drawn for another.
    draws = size * MAX_DRAWS_PER_ROW
    dataset = reasoning_gym.create_dataset(task, seed=seed * 100_000_000, size=draws, **options)
    rows = []
    for index in range(draws):
        if len(rows) == size:
            break
        entry = dataset[index]
        if entry["question"].casefold() in seen:
            continue
        seen.add(entry["question"].casefold())
        rows.append(
            {
                "id": f"{task}-{seed}-{index}",
                "question": entry["question"],
                "answer": entry["answer"],
                "task": task,
                "entry": entry,
            }
        )
    return rows


def check_rows(task, rows):
    """The scorer must accept the right answer with an entry that has travelled as JSON."""
    score = reasoning_gym.get_score_answer_fn(task)
    for row in rows:
        if not isinstance(row["answer"], str):
            sys.exit(f"{task}: row {row['id']} has no text answer, so nothing can be learned from it by SFT")
        value = score(row["answer"], json.loads(json.dumps(row["entry"])))
        if value < 0.99:
            sys.exit(f"{task}: row {row['id']}: its own answer scores {value} after a trip through JSON, expected 1")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", required=True, help="name in reasoning-gym, such as spell_backward or chain_sum")
    parser.add_argument("--seed", type=int, required=True, help="use another one for each file, below 90000000")
    parser.add_argument("--size", type=int, required=True, help="rows to write")
    parser.add_argument("--out", required=True, help="JSONL file to write")
    parser.add_argument("--options", type=json.loads, default={}, help="options of the task as a JSON object")
    parser.add_argument("--exclude", nargs="*", default=[], help="JSONL files whose questions must not come again")
    arguments = parser.parse_args()
    if arguments.task not in reasoning_gym.factory.DATASETS:
        near = [name for name in sorted(reasoning_gym.factory.DATASETS) if arguments.task[:4] in name]
        sys.exit(f"--task {arguments.task}: reasoning-gym has no such task; near: {', '.join(near) or 'none'}")

    rows = make_rows(
        arguments.task, arguments.options, arguments.seed, arguments.size, read_questions(arguments.exclude)
    )
    if len(rows) < arguments.size:
        sys.exit(f"{arguments.task} has only {len(rows)} more different questions, {arguments.size} wanted")
    try:
        check_rows(arguments.task, rows)
    except TypeError as error:
        sys.exit(f"{arguments.task}: its entries cannot be written as JSON: {error}")
    out = pathlib.Path(arguments.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(f"{len(rows)} rows in {out}", file=sys.stderr)


if __name__ == "__main__":
    main()
