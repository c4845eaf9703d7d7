"""The checked tree: its files' texts by path, and what a rule returns."""

import dataclasses
import os
import subprocess

CPP_ENDINGS = (".h", ".cc", ".cu")
TEXT_ENDINGS = CPP_ENDINGS + (".py", ".sh", ".md", ".txt", ".cmake", ".proto", ".yaml", ".yml", ".in", ".json")
TEXT_NAMES = ("README", "LICENSE", "run")


@dataclasses.dataclass(frozen=True, order=True)
class Violation:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


class Tree:
    """Texts by path, and the paths of all files, read or not."""

    def __init__(self, texts, other_paths=()):
        self.texts = texts
        self.paths = set(texts) | set(other_paths)
        self.folders = {folder for path in self.paths for folder in parents(path)}

    def cpp(self, *endings):
        """(path, text) of C++ files in order of their paths."""
        return [(path, self.texts[path]) for path in sorted(self.texts) if path.endswith(endings or CPP_ENDINGS)]

    def exists(self, path):
        return path.rstrip("/") in self.paths or path.rstrip("/") in self.folders


def parents(path):
    while "/" in path:
        path = path.rsplit("/", 1)[0]
        yield path


def is_test(path):
    return path.startswith("tests/")


def load(root):
    """The files that git tracks or would track."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            check=True, capture_output=True, text=True).stdout
    texts, others = {}, []
    for path in filter(None, listed.split("\0")):
        full = os.path.join(root, path)
        if not os.path.isfile(full):
            continue
        if path.endswith(TEXT_ENDINGS) or os.path.basename(path) in TEXT_NAMES:
            with open(full, encoding="utf-8", errors="replace") as file:
                texts[path] = file.read()
        else:
            others.append(path)
    return Tree(texts, others)
