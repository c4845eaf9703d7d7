"""The two kinds of sides of a comparison: `plumb bench`, one process a round, and peers, one process for all rounds."""

import json
import os
import select
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROUND_SECONDS = 1200  # the limit of one answer
END_SECONDS = 60  # the limit of a peer's end


class SideFailed(Exception):
    """A side gave no result; the message says which one, and why."""


def run(words, environment=None, seconds=ROUND_SECONDS):
    """The stdout of a program that ends well. Errors: SideFailed with the end of its stderr."""
    name = " ".join([os.path.basename(words[0]), *words[1:]])
    try:
        done = subprocess.run(words, env=environment, text=True, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise SideFailed(f"{name}: no result in {seconds} s") from None
    except OSError as error:
        raise SideFailed(f"{words[0]}: {error.strerror}") from None
    if done.returncode != 0:
        raise SideFailed(f"{name}: ended with status {done.returncode}: {last_line(done.stderr)}")
    return done.stdout


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"


class Plumb:
    def __init__(self, program, environment, threads=0):
        self.program, self.environment, self.threads = program, environment, threads

    def run(self, *words):
        """What a command of the program prints."""
        return run([self.program, *map(str, words)], self.environment)

    def bench(self, *words):
        """The JSON of a `plumb bench` run."""
        output = self.run("bench", *words, "--threads", self.threads)
        try:
            return json.loads(output)
        except ValueError:
            raise SideFailed(f"plumb bench {words[0]}: expected one JSON object, found {output[:200]!r}") from None


class Lines:
    """The lines of a pipe, waited for until a deadline. It reads by itself: select() does not see what a file holds."""

    def __init__(self, pipe):
        self.pipe, self.held = pipe, b""

    def next(self, deadline):
        """A line without its end; None when the pipe has ended. Errors: TimeoutError."""
        while b"\n" not in self.held:
            if not select.select([self.pipe], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            piece = os.read(self.pipe.fileno(), 65536)
            if not piece:
                return None
            self.held += piece
        line, _, self.held = self.held.partition(b"\n")
        return line.decode()


class Peer:
    """A peer's program; see peer_rounds.py for the protocol. Its stderr goes to a file in `work`."""

    def __init__(self, words, environment, work, round_seconds=ROUND_SECONDS):
        """`words` are the Python that has the peer, its script in this folder (or elsewhere), and arguments."""
        python, script, *arguments = map(str, words)
        self.name, self.round_seconds = os.path.basename(script), round_seconds
        self.log = os.path.join(work, self.name.replace(".py", ".log"))
        with open(self.log, "ab") as log:
            self.log_begin = log.tell()  # behind what earlier runs wrote
            self.process = subprocess.Popen([python, os.path.join(HERE, script), *arguments], env=environment,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0)
        self.lines = Lines(self.process.stdout)
        self.ready = self.answer("ready")["ready"]

    def answer(self, member=""):
        """The next line that is JSON: TRL prints lines of its own. Errors: SideFailed, also where the member is missing."""
        deadline = time.monotonic() + self.round_seconds
        line = ""
        while not line.startswith('{"'):
            try:
                line = self.lines.next(deadline)
            except TimeoutError:
                raise self.failure(f"no answer in {self.round_seconds} s") from None
            if line is None:
                raise self.failure("ended without an answer")
        try:
            row = json.loads(line)
        except ValueError:
            raise self.failure(f"expected one JSON object, found {line[:200]!r}") from None
        if member and member not in row:
            raise self.failure(f"expected an answer with {member}, found {line[:200]!r}")
        return row

    def round(self, **order):
        try:
            self.process.stdin.write((json.dumps(order) + "\n").encode())
        except BrokenPipeError:
            pass  # answer() says why
        return self.answer()

    def failure(self, what):
        """Ends the peer; what went wrong, with the last words of its log."""
        self.process.kill()
        self.close()
        with open(self.log, "rb") as log:
            log.seek(self.log_begin)
            words = last_line(log.read().decode(errors="replace"))
        return SideFailed(f"{self.name}: {what}: {words} (more in {self.log})")

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

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
