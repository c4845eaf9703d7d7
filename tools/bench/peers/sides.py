"""The two kinds of sides of a comparison: `plumb bench`, one process a round, and peers, one process for all rounds."""

import json
import os
import selectors
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROUND_SECONDS = 1200  # the limit of one answer


class Plumb:
    def __init__(self, program, environment):
        self.program, self.environment = program, environment

    def bench(self, *words):
        """The JSON of a `plumb bench` run."""
        done = subprocess.run([self.program, "bench", *map(str, words)], env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=ROUND_SECONDS, check=False)
        if done.returncode != 0:
            sys.exit(f"plumb bench {' '.join(map(str, words))}: {done.stderr}")
        return json.loads(done.stdout)


class Peer:
    """A peer's program; see peer_rounds.py for the protocol. Its stderr goes to a file in `work`."""

    def __init__(self, script, arguments, environment, work):
        self.log = os.path.join(work, script.replace(".py", ".log"))
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([sys.executable, os.path.join(HERE, script), *map(str, arguments)],
                                            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                            text=True, bufsize=1)
        self.ready = self.answer()["ready"]

    def answer(self):
        """The next line that is JSON: TRL prints lines of its own."""
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(timeout=ROUND_SECONDS):
                sys.exit(f"{self.log}: no answer in {ROUND_SECONDS} s")
            line = self.process.stdout.readline()
            if not line:
                sys.exit(f"{self.log}: the peer ended; see there")
            if line.startswith('{"'):
                return json.loads(line)

    def round(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def interleave(rounds, sides):
    """Runs every side once a round, in turn, every other round in the opposite order.

    `sides` is {name: function that does a round}; returns {name: [result of each round]}.
    """
    results = {name: [] for name in sides}
    for index in range(rounds):
        order = list(sides.items())
        for name, do_round in order if index % 2 == 0 else reversed(order):
            results[name].append(do_round())
    return results
