#!/usr/bin/env python3
"""Writes the rows of the demo's task: two-digit sums and differences, as plain sums and as short word problems.

  make_rows.py [--seed N] [--output FOLDER]

sft.jsonl       worked answers by a demonstrator who forgets the carry, or the borrow, in 60 % of the sums that have one
train.jsonl     prompts for GRPO: the right number, no worked answer
held_out.jsonl  prompts for the evaluation, with right worked answers

Every row has `id`, `question` and `answer`, and an answer ends in `#### n`, as in GSM8K. No two files share a sum: they
differ in the operation or in the pair of numbers, whichever stands first.
"""

import argparse
import json
import os
import random

ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen").split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
NAMES = ["Ann", "Ben", "Eva", "Max", "Mia", "Tom"]
THINGS = ["apples", "books", "cards", "coins", "pens", "shells"]

PLAIN = {
    "+": ["{a} + {b} = ?", "What is {a} plus {b}?", "Add {a} and {b}."],
    "-": ["{a} - {b} = ?", "What is {a} minus {b}?", "Take {b} from {a}."],
}
STORIES = {
    "+": ["{name} has {a} {things} and gets {b} more. How many now?",
          "{name} has {a} {things}. {other} has {b}. How many in all?"],
    "-": ["{name} has {a} {things} and gives away {b}. How many are left?",
          "{name} has {a} {things}. {other} has {b}. How many more has {name}?"],
}

FORGETTING_SHARE = 0.6
STORY_SHARE = 0.4
WORDS_SHARE = 0.3  # of the plain sums
SFT_ROWS = 6000
TRAIN_ROWS = 4000
HELD_OUT_ROWS = 256


def in_words(number):
    if number < 20:
        return ONES[number]
    tens, ones = divmod(number, 10)
    return TENS[tens] + ("-" + ONES[ones] if ones else "")


def carries(a, operation, b):
    """Whether the sum has a carry, or the difference a borrow."""
    return a % 10 + b % 10 >= 10 if operation == "+" else a % 10 < b % 10


def worked_answer(a, operation, b, forget):
    """The column method: ones, tens, result. `forget` leaves the carry or the borrow out of the tens."""
    carry = carries(a, operation, b)
    if operation == "+":
        ones = a % 10 + b % 10
        tens = a // 10 + b // 10 + (1 if carry and not forget else 0)
        plus_carry = "+1" if carry and not forget else ""
        steps = [f"{a % 10}+{b % 10}={ones}", f"{a // 10}+{b // 10}{plus_carry}={tens}"]
    else:
        top = a % 10 + (10 if carry else 0)
        top_tens = a // 10 - (1 if carry and not forget else 0)
        ones = top - b % 10
        tens = top_tens - b // 10
        steps = [f"{top}-{b % 10}={ones}", f"{top_tens}-{b // 10}={tens}"]
    result = tens * 10 + ones % 10
    return "\n".join(steps + [f"#### {result}"])


def question(rng, a, operation, b):
    if rng.random() < STORY_SHARE:
        name, other = rng.sample(NAMES, 2)
        return rng.choice(STORIES[operation]).format(a=a, b=b, name=name, other=other, things=rng.choice(THINGS))
    if rng.random() < WORDS_SHARE:
        text = rng.choice(PLAIN[operation][1:]).format(a=in_words(a), b=in_words(b))
        return text[0].upper() + text[1:]
    return rng.choice(PLAIN[operation]).format(a=a, b=b)


def all_sums():
    """Each sum once: for `+` the smaller number first, for `-` the larger one."""
    numbers = range(10, 100)
    return ([(a, "+", b) for a in numbers for b in numbers if a <= b] +
            [(a, "-", b) for a in numbers for b in numbers if a > b])


def make_rows(rng, sums, count, prefix, answer):
    """`count` rows over `sums`, every sum used before one is used again."""
    rows = []
    while len(rows) < count:
        for a, operation, b in rng.sample(sums, min(len(sums), count - len(rows))):
            if operation == "+" and rng.random() < 0.5:
                a, b = b, a
            rows.append({"id": f"{prefix}-{len(rows):04d}", "question": question(rng, a, operation, b),
                         "answer": answer(a, operation, b)})
    return rows


def make_files(seed):
    rng = random.Random(seed)
    sums = all_sums()
    rng.shuffle(sums)
    held_out, train, sft = sums[:HELD_OUT_ROWS], sums[HELD_OUT_ROWS:3600], sums[3600:]

    def demonstrate(a, operation, b):
        return worked_answer(a, operation, b, forget=rng.random() < FORGETTING_SHARE)

    def result_only(a, operation, b):
        return worked_answer(a, operation, b, forget=False).splitlines()[-1]

    def work_out(a, operation, b):
        return worked_answer(a, operation, b, forget=False)

    return {
        "sft.jsonl": make_rows(rng, sft, SFT_ROWS, "sft", demonstrate),
        "train.jsonl": make_rows(rng, train, TRAIN_ROWS, "train", result_only),
        "held_out.jsonl": make_rows(rng, held_out, HELD_OUT_ROWS, "held-out", work_out),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default=os.path.dirname(os.path.abspath(__file__)))
    arguments = parser.parse_args()
    for name, rows in make_files(arguments.seed).items():
        with open(os.path.join(arguments.output, name), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
