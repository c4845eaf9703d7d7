import contextlib
import importlib.util
import io
import json
import os
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from unittest import mock

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.path.join(SOURCE, "tools", "bench", "peers")
# Last: a script here has the name of one of examples/arithmetic.
sys.path.append(PEERS)

import compare  # noqa: E402
import peer_rounds  # noqa: E402
import peers_python  # noqa: E402
import sections  # noqa: E402
import sides  # noqa: E402
from result_rows import Row, number, table  # noqa: E402
from sides import SideFailed  # noqa: E402

# Answers as `plumb` would; the words of each call go to a file beside it.
FAKE_PLUMB = f"""#!{sys.executable}
import json, os, sys
words = sys.argv[1:]
with open(sys.argv[0] + ".calls", "a") as file:
    file.write(json.dumps(words) + "\\n")
case = {{"rows": 2, "depth": 8, "columns": 4, "gigabytes_per_second": 20.0, "gflops": 150.0,
        "share_of_read_bandwidth": 0.9, "share_of_fma_peak": 0.75}}
if words == ["--version"]:
    print("plumb 9.9\\nmore")
elif words[:2] == ["bench", "kernels"]:
    print(json.dumps({{"cases": [{{"name": "C1 stream", **case}}, {{"name": "C2 compute", **case}}]}}))
elif words[:2] == ["bench", "logits"] and os.environ.get("FAKE_LOGITS") == "fail":
    sys.exit("plumb bench logits: error: no memory")
elif words[:2] == ["bench", "logits"]:
    print(json.dumps({{"rows": 2, "vocabulary": 3, "logits_bytes": 5e6, "plumb": {{"extra_bytes": 1e6}},
                      "held_logits": {{"extra_bytes": 4e6}}}}))
else:
    print("not JSON")
"""


def lacking(*packages):
    return [name for name in packages if importlib.util.find_spec(name) is None]


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))
        return self.path(name)

    def program(self, name, text):
        path = self.write(name, text)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path


class RowTest(unittest.TestCase):
    def test_a_ratio_is_of_one_round_and_has_median_and_range(self):
        row = Row("decode", "tok/s", [10, 30, 40], "other", [5, 10, 10])
        self.assertEqual(row.ratios, [2, 3, 4])
        self.assertEqual(row.cells(), ["decode", "tok/s", "30.00", "other: 10.00", "3.00 (2.00-4.00)", "", "3", ""])

    def test_the_median_of_an_even_number_lies_between_the_middle_ones(self):
        self.assertEqual(Row("x", "s", [1, 4], "other", [1, 1]).cells()[4], "2.50 (1.00-4.00)")

    def test_a_share_stands_without_a_peer(self):
        self.assertEqual(Row("x", "GB/s", [20], shares=[0.5, 0.9, 0.7], note="why").cells(),
                         ["x", "GB/s", "20.00", "", "", "70 %", "1", "why"])

    def test_sides_of_different_numbers_of_rounds_are_refused(self):
        with self.assertRaises(ValueError):
            Row("x", "s", [1, 2], "other", [1])

    def test_numbers_have_digits_where_they_are_small(self):
        self.assertEqual([number([value]) for value in (12345.6, 100, 99.5, 0.126)], ["12,346", "100", "99.50", "0.13"])

    def test_json_keeps_every_round(self):
        row = json.loads(Row("x", "s", [1, 4], "other", [2, 2], [0.5, 0.6], "n").json())
        self.assertEqual(row, {"name": "x", "unit": "s", "peer": "other", "note": "n", "own": [1, 4],
                               "peer_values": [2, 2], "shares": [0.5, 0.6], "ratios": [0.5, 2]})

    def test_the_table_is_markdown_with_a_line_for_each_row(self):
        lines = table([Row("a", "s", [1]), Row("b", "s", [2])]).splitlines()
        self.assertEqual(len(lines), 4)
        self.assertEqual(lines[1], "| --- | --- | --- | --- | --- | --- | --- | --- |")
        self.assertEqual(lines[3], "| b | s | 2.00 |  |  |  | 1 |  |")
        self.assertEqual({line.count("|") for line in lines}, {9})


class InterleaveTest(unittest.TestCase):
    def test_every_other_round_goes_the_other_way(self):
        calls = []
        results = sides.interleave(3, {name: lambda name=name: calls.append(name) or len(calls) for name in "abc"})
        self.assertEqual("".join(calls), "abccbaabc")
        self.assertEqual(results, {"a": [1, 6, 7], "b": [2, 5, 8], "c": [3, 4, 9]})


class BenchIdsTest(unittest.TestCase):
    def test_are_those_of_plumb_bench(self):
        # The numbers of tests/tools/bench/bench_model_test.cc.
        self.assertEqual(peer_rounds.bench_ids(0, 3, 4096), [3071, 3681, 3806])
        self.assertEqual(peer_rounds.bench_ids(2, 2, 32), [18, 25])

    def test_threads_are_those_that_were_asked_for_or_one_a_core(self):
        with mock.patch.dict(os.environ, PEER_THREADS="3"):
            self.assertEqual(peer_rounds.threads(), 3)
        with mock.patch.dict(os.environ, PEER_THREADS="0"):
            self.assertEqual(peer_rounds.threads(), len(os.sched_getaffinity(0)))


class PeerTest(InFolder):
    def peer(self, body, *arguments, seconds=20):
        script = self.write("some_peer.py", f"import sys, time\nsys.path.append({PEERS!r})\n" + textwrap.dedent(body))
        peer = sides.Peer([sys.executable, script, *arguments], dict(os.environ), self.folder, seconds)
        self.addCleanup(peer.close)
        return peer

    def failure(self, body, seconds=20):
        with self.assertRaises(SideFailed) as caught:
            self.peer(body, seconds=seconds).round(batch=1)
        return str(caught.exception)

    def test_answers_every_order_and_ends_with_its_input(self):
        peer = self.peer("""
            import peer_rounds
            peer_rounds.serve({"version": sys.argv[1]}, lambda order: {"seconds": order["batch"] / 4})
            """, 7)
        self.assertEqual(peer.ready, {"version": "7"})
        self.assertEqual([peer.round(batch=batch)["seconds"] for batch in (2, 1)], [0.5, 0.25])
        self.assertGreater(peer.round(batch=1)["peak_memory_gigabytes"], 0)
        peer.close()
        self.assertEqual(peer.process.returncode, 0)

    def test_a_trainer_answers_for_each_step_after_the_warm_ones(self):
        peer = self.peer("""
            import types
            sys.modules["torch"] = types.ModuleType("torch")
            sys.modules["transformers"] = types.SimpleNamespace(TrainerCallback=object)
            from trl_rounds import RoundCallback
            steps = []
            callback = RoundCallback({"trl": "1"}, warm=2, parts=lambda: {"steps": len(steps)})
            state = types.SimpleNamespace(global_step=0)
            while True:  # as a trainer calls it
                callback.on_step_begin(None, state, None)
                steps.append(1)
                state.global_step += 1
                callback.on_step_end(None, state, None)
            """)
        self.assertEqual(peer.ready, {"trl": "1"})
        self.assertEqual([peer.round()["steps"] for _ in range(2)], [3, 4])
        self.assertGreaterEqual(peer.round()["seconds"], 0)
        peer.close()
        self.assertEqual(peer.process.returncode, 0)

    def test_lines_of_its_own_are_passed_over_even_when_all_come_at_once(self):
        peer = self.peer("""
            sys.stdout.write("Loading\\n" + '{"ready": {}}\\n' + "{'loss': 1}\\n" + '{"seconds": 2}\\n')
            sys.stdout.flush()
            sys.stdin.read()
            """)
        self.assertEqual(peer.round(), {"seconds": 2})

    def test_one_that_lacks_a_package_is_named_with_the_reason(self):
        message = self.failure("import no_such_package")
        self.assertRegex(message, r"^some_peer\.py: ended without an answer: .*No module named 'no_such_package'")
        self.assertIn(self.path("some_peer.log"), message)

    def test_one_that_dies_between_rounds_is_named_with_its_last_words(self):
        message = self.failure("""
            print('{"ready": {}}', flush=True)
            sys.exit("out of memory")
            """)
        self.assertIn("some_peer.py: ended without an answer: out of memory", message)

    def test_words_of_an_earlier_run_are_not_this_ones(self):
        self.write("some_peer.log", "an old failure\n")
        self.assertIn("ended without an answer: no message", self.failure("sys.exit(1)"))

    def test_one_that_hangs_is_ended_after_the_limit(self):
        began = time.monotonic()
        message = self.failure("""
            print('{"ready": {}}', flush=True)
            print("still here", flush=True)
            time.sleep(600)
            """, seconds=0.5)
        self.assertIn("some_peer.py: no answer in 0.5 s", message)
        self.assertLess(time.monotonic() - began, 60)

    def test_an_answer_of_another_form_is_shown(self):
        self.assertIn("""expected an answer with ready, found '{"seconds": 1}'""",
                      self.failure("print('{\"seconds\": 1}', flush=True)"))
        self.assertIn("""expected one JSON object, found '{"seco""", self.failure("print('{\"seco', flush=True)"))


class PlumbTest(InFolder):
    def plumb(self, text, **more):
        return sides.Plumb(self.program("plumb", text), dict(os.environ), **more)

    def test_takes_words_and_threads(self):
        plumb = self.plumb("#!/bin/sh\necho \"{\\\"words\\\": \\\"$*\\\"}\"\n", threads=3)
        self.assertEqual(plumb.bench("decode", "--batch", 8), {"words": "bench decode --batch 8 --threads 3"})

    def test_a_failure_names_the_command_and_its_error(self):
        plumb = self.plumb("#!/bin/sh\necho first >&2\necho 'error: no such folder' >&2\nexit 3\n")
        with self.assertRaisesRegex(SideFailed, r"^plumb bench sft --threads 0: ended with status 3: error: no such folder$"):
            plumb.bench("sft")

    def test_a_program_that_is_not_there_is_named(self):
        with self.assertRaisesRegex(SideFailed, "^/nowhere/plumb: No such file or directory$"):
            sides.Plumb("/nowhere/plumb", {}).run("--version")

    def test_output_of_another_form_is_shown(self):
        with self.assertRaisesRegex(SideFailed, "plumb bench sft: expected one JSON object, found 'hello"):
            self.plumb("#!/bin/sh\necho hello\n").bench("sft")

    def test_a_program_that_hangs_is_ended_after_the_limit(self):
        with self.assertRaisesRegex(SideFailed, "sleep 600: no result in 0.2 s"):
            sides.run(["sleep", "600"], seconds=0.2)


class PeersPythonTest(InFolder):
    def install(self, call):
        return peers_python.install(self.path("cache"), self.requirements, call=call)

    def setUp(self):
        super().setUp()
        self.requirements = self.write("requirements.txt", "some==1\n")

    def test_is_installed_once_and_again_when_the_versions_change(self):
        calls = mock.Mock()
        with contextlib.redirect_stderr(io.StringIO()):
            python = self.install(calls)
            self.assertEqual(python, os.path.join(self.path("cache"), "venv", "bin", "python"))
            self.assertEqual([call.args[0][0] for call in calls.call_args_list], [sys.executable, python])
            self.install(calls)
            self.assertEqual(calls.call_count, 2)
            self.write("requirements.txt", "some==2\n")
            self.install(calls)
        self.assertEqual(calls.call_count, 4)

    def test_one_that_failed_is_tried_again(self):
        failing = mock.Mock(side_effect=subprocess.CalledProcessError(1, ["pip"]))
        with contextlib.redirect_stderr(io.StringIO()):
            for _ in range(2):
                with self.assertRaisesRegex(SideFailed, "the peers could not be installed into .*cache"):
                    self.install(failing)
        self.assertEqual(failing.call_count, 2)

    def test_packages_that_are_missing_are_named_with_what_to_do(self):
        with self.assertRaisesRegex(SideFailed, "lacks no_such_a, no_such_b; .*requirements.txt installs"):
            peers_python.check(sys.executable, ["json", "no_such_a", "no_such_b"])
        peers_python.check(sys.executable, ["json"])

    def test_sections_without_peers_need_no_python_of_their_own(self):
        with mock.patch.dict(os.environ, PEERS_PYTHON="/nowhere/python"):
            self.assertEqual(peers_python.find(self.path("cache"), []), sys.executable)
            with self.assertRaisesRegex(SideFailed, "/nowhere/python: No such file"):
                peers_python.find(self.path("cache"), ["json"])

    def test_every_package_of_a_section_is_required(self):
        with open(peers_python.REQUIREMENTS, encoding="utf-8") as file:
            required = {line.split("==")[0].replace("llama-cpp-python", "llama_cpp") for line in file if "==" in line}
        for name, section in sections.SECTIONS.items():
            self.assertLessEqual(set(section.packages), required, name)
            self.assertIn(section.preset, ["", *compare.VOCABULARIES], name)


class CompareTest(InFolder):
    """The whole program over a `plumb` that answers with fixed numbers."""

    def setUp(self):
        super().setUp()
        self.plumb = self.program("plumb", FAKE_PLUMB)

    def compare(self, *words, **environment):
        return subprocess.run([sys.executable, os.path.join(PEERS, "compare.py"), "--plumb", self.plumb, "--cache",
                               self.path("cache"), *words], capture_output=True, text=True, check=False, timeout=120,
                              env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment})

    def test_wrong_options_are_named_with_status_2_before_anything_is_made(self):
        for words, message in ((["decoed"], "decoed: no such section; sections: kernels, decode,"),
                               (["--rounds", "0"], "--rounds: '0', expected a whole number from 1 on"),
                               (["--threads", "two"], "--threads: 'two', expected a whole number from 0 on"),
                               (["--isa", "sse"], "--isa: invalid choice: 'sse'"),
                               (["--plumb", "/nowhere/plumb"], "--plumb: /nowhere/plumb: no such program"),
                               (["--out", "/nowhere/rows"], "--out: /nowhere/rows: No such file or directory")):
            result = self.compare(*words)
            self.assertEqual(result.returncode, 2, words)
            self.assertIn(message, result.stderr)
            self.assertNotIn("Traceback", result.stderr)
        self.assertFalse(os.path.exists(self.path("cache")))

    def test_missing_packages_are_named_with_status_3_before_anything_runs(self):
        python = self.program("python", f"#!/bin/sh\nexec {sys.executable} -S -I \"$@\"\n")
        result = self.compare("kernels", "sft", PEERS_PYTHON=python)
        self.assertEqual(result.returncode, 3)
        self.assertIn(f"compare: {python} lacks accelerate, datasets, torch, transformers, trl; ", result.stderr)
        self.assertFalse(os.path.exists(self.plumb + ".calls"))

    def test_prints_a_table_and_appends_rows(self):
        result = self.compare("kernels", "logits", "--rounds", "2", "--threads", "1", "--out", self.path("rows"))
        self.assertEqual(result.returncode, 0, result.stderr)
        head, _, *lines = result.stdout.splitlines()
        self.assertRegex(head, r"^\d{4}-\d\d-\d\d, .*, isa auto, plumb 9.9$")
        self.assertEqual(lines[2:], [
            "| C1 stream, 2 x 8 by 8 x 4 | GB/s | 20.00 |  |  | 90 % | 2 |  |",
            "| C2 compute, 2 x 8 by 8 x 4 | GFLOP/s | 150 |  |  | 75 % | 2 |  |",
            "| log-probabilities, extra memory | MB | 1.00 | held logits: 4.00 | 0.25 (0.25-0.25) |  | 1 |"
            " N=2, V=3: logits 5 MB |"])
        with open(self.path("rows"), encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        self.assertEqual([row.get("name", "")[:2] for row in rows], ["C1", "C2", "lo", ""])
        self.assertEqual(rows[-1], {"versions": {}, "isa": "auto", "plumb": "plumb 9.9"})
        with open(self.plumb + ".calls", encoding="utf-8") as file:
            calls = [json.loads(line) for line in file]
        self.assertIn(["bench", "kernels", "--rounds", "2", "--threads", "1"], calls)

    def test_a_section_that_fails_is_named_and_the_others_are_kept(self):
        result = self.compare("logits", "kernels", FAKE_LOGITS="fail")
        self.assertEqual(result.returncode, 1)
        self.assertIn("compare: logits: plumb bench logits --threads 0: ended with status 1: plumb bench logits: error: no "
                      "memory", result.stderr)
        self.assertIn("compare: no result for logits", result.stderr)
        self.assertIn("| C2 compute", result.stdout)

    def test_the_script_passes_its_arguments_on(self):
        result = subprocess.run([os.path.join(SOURCE, "tools", "bench", "compare.sh"), "--help"], capture_output=True,
                                text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("Runs Plumb and its peers in turn", result.stdout)


class EnvironmentTest(unittest.TestCase):
    def test_both_sides_are_pinned_alike(self):
        words = ["--plumb", sys.executable, "--cache", "unused"]
        with mock.patch.dict(os.environ, {}, clear=True):
            os.environ["PATH"] = "/bin"
            pinned = compare.environment_of(compare.parse([*words, "--isa", "avx2", "--threads", "3"]))
            free = compare.environment_of(compare.parse(words))
        self.assertEqual([pinned[key] for key in ("PLUMB_ISA", "ATEN_CPU_CAPABILITY", "PEER_THREADS", "OMP_NUM_THREADS")],
                         ["avx2", "avx2", "3", "3"])
        self.assertEqual(free["PEER_THREADS"], "0")
        self.assertFalse({"PLUMB_ISA", "ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS"} & set(free))


class SectionsTest(unittest.TestCase):
    """A section over sides that answer with fixed numbers."""

    def test_generation_measures_the_tokens_of_its_part(self):
        orders = []

        class FixedPeer:
            def round(self, **order):
                orders.append(order)
                return {"prefill_seconds": 2.0, "decode_seconds": 4.0, "threads": 1}

        plumb = mock.Mock()
        plumb.bench.side_effect = lambda part, *_: {"cases": [{part: {"tokens_per_second": 64.0, "share_of_bound": 0.5}}]}
        setting = sections.Setting(plumb, "python3", {}, "work", 3)
        rows = {part: sections.generation(setting, "bench-t", part, case, {"other": FixedPeer()})[0]
                for part, case in (("decode", (8, 128, 5)), ("prefill", (8, 128, 1)))}
        self.assertEqual(rows["decode"].peer_values, [8 * 4 / 4.0] * 3)  # the first new token is the prefill's
        self.assertEqual(rows["decode"].ratios, [8.0] * 3)
        self.assertEqual(rows["decode"].note, "threads 1")
        self.assertEqual(rows["prefill"].peer_values, [8 * 128 / 2.0] * 3)
        self.assertEqual(orders, [{"batch": 8, "prompt": 128, "new": 5}] * 4 + [{"batch": 8, "prompt": 128, "new": 1}] * 4)

    def test_the_fastest_micro_batch_is_by_the_better_of_two_steps(self):
        seconds = {1: [9, 3], 2: [2, 5], 4: [4, 4]}
        setting = mock.Mock()

        def peer(_, *words):
            fixed = mock.MagicMock()
            fixed.__enter__.return_value.round.side_effect = [{"seconds": value} for value in seconds[words[-1]]]
            return fixed

        setting.peer.side_effect = peer
        self.assertEqual(sections.fastest(setting, "x_peer.py", [1, 2, 4], "--model", "m"), 2)


class MakeTokenizerTest(unittest.TestCase):
    @unittest.skipIf(lacking("tokenizers"), "the Python package tokenizers is not installed")
    def test_prompts_have_exactly_the_wanted_length(self):
        spec = importlib.util.spec_from_file_location("peers_make_tokenizer", os.path.join(PEERS, "make_tokenizer.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        tokenizer = module.train(512)
        self.assertEqual(tokenizer.get_vocab_size(), 512)
        prompts = module.exact_prompts(tokenizer, count=5, length=16)
        self.assertEqual([len(tokenizer.encode(prompt).ids) for prompt in prompts], [16] * 5)


if __name__ == "__main__":
    unittest.main()
