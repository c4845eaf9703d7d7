import json
import os
import re
import sys
import unittest

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "arithmetic")
sys.path.insert(0, FOLDER)

import make_rows  # noqa: E402
import make_tokenizer  # noqa: E402

NUMBER_WORDS = {make_rows.in_words(number): number for number in range(10, 100)}


def read_rows(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def numbers_of(question):
    words = sorted(NUMBER_WORDS, key=len, reverse=True)
    found = re.findall(r"\d+|" + "|".join(words), question.lower())
    return [int(number) if number.isdigit() else NUMBER_WORDS[number] for number in found]


def sum_of(question):
    """The operation and the unordered pair, read back from the text."""
    minus = any(word in question for word in ["-", "minus", "Take", "gives away", "more has"])
    hyphen_only = "-" in question and not any(word in question for word in [" - ", "minus", "Take"])
    operation = "-" if minus and not (hyphen_only and ("plus" in question or "Add" in question)) else "+"
    return operation, tuple(sorted(numbers_of(question)))


class WorkedAnswerTest(unittest.TestCase):
    def test_works_out_a_carry(self):
        self.assertEqual(make_rows.worked_answer(47, "+", 38, forget=False), "7+8=15\n4+3+1=8\n#### 85")

    def test_forgets_a_carry(self):
        self.assertEqual(make_rows.worked_answer(47, "+", 38, forget=True), "7+8=15\n4+3=7\n#### 75")

    def test_works_out_a_borrow(self):
        self.assertEqual(make_rows.worked_answer(52, "-", 38, forget=False), "12-8=4\n4-3=1\n#### 14")

    def test_forgets_a_borrow(self):
        self.assertEqual(make_rows.worked_answer(52, "-", 38, forget=True), "12-8=4\n5-3=2\n#### 24")

    def test_has_nothing_to_forget_without_a_carry(self):
        self.assertEqual(make_rows.worked_answer(42, "+", 31, forget=True), "2+1=3\n4+3=7\n#### 73")


class ArithmeticRowsTest(unittest.TestCase):
    def test_committed_rows_are_what_the_script_writes(self):
        for name, rows in make_rows.make_files(seed=0).items():
            self.assertEqual(read_rows(name), rows, name)

    def test_no_two_files_share_a_sum(self):
        sums = [{sum_of(row["question"]) for row in read_rows(name)}
                for name in ["sft.jsonl", "train.jsonl", "held_out.jsonl"]]
        self.assertFalse(sums[0] & sums[1] or sums[0] & sums[2] or sums[1] & sums[2])

    def test_training_and_held_out_answers_are_right(self):
        for row in read_rows("train.jsonl") + read_rows("held_out.jsonl"):
            operation, (low, high) = sum_of(row["question"])
            right = low + high if operation == "+" else high - low
            self.assertEqual(int(row["answer"].split("#### ")[1]), right, row)

    def test_demonstrator_forgets_six_carries_in_ten(self):
        wrong = carried = 0
        for row in read_rows("sft.jsonl"):
            operation, (low, high) = sum_of(row["question"])
            right = low + high if operation == "+" else high - low
            is_wrong = int(row["answer"].split("#### ")[1]) != right
            carry = make_rows.carries(high, operation, low)
            self.assertFalse(is_wrong and not carry, row)
            carried += carry
            wrong += is_wrong
        self.assertAlmostEqual(wrong / carried, 0.6, delta=0.03)


class MakeTokenizerTest(unittest.TestCase):
    def test_committed_tokenizer_is_what_the_script_writes(self):
        merges = make_tokenizer.train_merges(make_tokenizer.count_pieces(make_tokenizer.read_texts()), 400)
        with open(os.path.join(FOLDER, "tokenizer.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file), make_tokenizer.tokenizer_json(merges))

    def test_merges_the_most_frequent_pair_first(self):
        merges = make_tokenizer.train_merges({("a", "b", "c"): 3, ("b", "c"): 2}, 5)
        self.assertEqual(merges, [("b", "c"), ("a", "bc")])

    def test_digits_stay_single(self):
        pieces = make_tokenizer.count_pieces(["12+3=15"])
        self.assertTrue(all(len(piece) == 1 for piece in pieces))


if __name__ == "__main__":
    unittest.main()
