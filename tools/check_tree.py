#!/usr/bin/env python3
"""Checks the rules of the source tree that no compiler knows. CONTRIBUTING.md lists them.

  check_tree.py                          checks the tree; exit status 1 where a rule is broken
  check_tree.py --sources-including H    prints the .cc files that include header H, straight or through others

tools/check_tree_exceptions.txt lists what is let through, with the reason:  RULE | PATH[:TEXT] | REASON
PATH may have a `*`. TEXT narrows an exception to messages that contain it. An exception that nothing needs is an error too.
"""

import dataclasses
import fnmatch
import os
import sys

from tree_rules import budgets, contracts, cpp_text, layers, words
from tree_rules import tree as tree_module
from tree_rules.tree import Violation

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXCEPTIONS_FILE = "tools/check_tree_exceptions.txt"
RULES = [layers.check, budgets.check, contracts.check, words.check]


@dataclasses.dataclass
class TreeException:
    line: int
    rule: str
    path: str
    text: str
    used: bool = False

    def covers(self, violation):
        return (violation.rule == self.rule and fnmatch.fnmatch(violation.path, self.path) and
                self.text in violation.message)


def read_exceptions(text):
    """(exceptions, violations of the file's own form)."""
    exceptions, violations = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 3 or not all(parts):
            violations.append(Violation(EXCEPTIONS_FILE, number, "exceptions-file", "expected RULE | PATH[:TEXT] | REASON"))
            continue
        path, _, detail = parts[1].partition(":")
        exceptions.append(TreeException(number, parts[0], path, detail))
    return exceptions, violations


def check(tree):
    """Every violation that no exception covers, in order of path and line."""
    exceptions, violations = read_exceptions(tree.texts.get(EXCEPTIONS_FILE, ""))
    for violation in [found for rule in RULES for found in rule(tree)]:
        covering = [exception for exception in exceptions if exception.covers(violation)]
        for exception in covering:
            exception.used = True
        if not covering:
            violations.append(violation)
    violations += [Violation(EXCEPTIONS_FILE, exception.line, "exceptions-file", "nothing needs this exception any more")
                   for exception in exceptions if not exception.used]
    return sorted(violations)


def sources_including(tree, header):
    """The .cc files that reach `header` through includes of the tree."""
    included = {path: {name for _, name, _ in cpp_text.includes(text)} for path, text in tree.cpp()}
    reached, frontier = set(), {header}
    while frontier:
        frontier = {path for path, names in included.items() if names & frontier} - reached
        reached |= frontier
    return sorted(path for path in reached if path.endswith(".cc"))


def main(arguments):
    tree = tree_module.load(ROOT)
    if len(arguments) == 2 and arguments[0] == "--sources-including":
        print("\n".join(sources_including(tree, arguments[1])))
        return 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    violations = check(tree)
    for violation in violations:
        print(violation)
    print(f"check_tree: {len(tree.paths)} files, {len(violations)} problems")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
