"""Names that say nothing, words that do not belong into the tree, and paths in documents that do not exist."""

import fnmatch
import os
import re

from tree_rules import cpp_text
from tree_rules.tree import Violation

EMPTY_NAMES = {"util", "utils", "common", "misc", "helper", "helpers", "manager", "managers", "data", "info", "process"}
# Written in two parts, so that this file passes its own rule.
BANNED_TEXTS = ["TO" + "DO", "FIX" + "ME", "py" + "pi.org", "python" + "hosted.org", "deb.deb" + "ian.org",
                "archive.ubu" + "ntu.com", "/wo" + "rk/", "/ro" + "ot/"]
GENERATED_FOLDERS = ("build", "runs")

_TYPE = re.compile(r"\b(?:class|struct|enum class|enum|union)\s+(?:[A-Z_]+\([^)]*\)\s*)?(\w+)\s*(?:final\s*)?[:{]")
_CODE_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_PATH = re.compile(r"^[\w.*-]+(?:/[\w.*-]+)*/?$")


def check(tree):
    violations = []
    for path in sorted(tree.paths):
        violations += check_file_name(path)
    for path, text in sorted(tree.texts.items()):
        violations += check_banned(path, text)
        if path.endswith(".md"):
            violations += check_document(tree, path, text)
    for path, text in tree.cpp():
        violations += check_types(path, text)
    return violations


def check_file_name(path):
    stem = os.path.basename(path).split(".")[0]
    bad = EMPTY_NAMES.intersection(stem.lower().replace("-", "_").split("_"))
    return [Violation(path, 1, "names", f"a file name says what is in it; not '{word}'") for word in sorted(bad)]


def check_types(path, text):
    violations = []
    code = cpp_text.blank(text)
    for match in _TYPE.finditer(code):
        words = {word.lower() for word in re.findall(r"[A-Z][a-z0-9]*", match.group(1))}
        for word in sorted(words & EMPTY_NAMES):
            line = code.count("\n", 0, match.start()) + 1
            violations.append(Violation(path, line, "names", f"{match.group(1)}: a type name says what it is; not '{word}'"))
    return violations


def check_banned(path, text):
    return [Violation(path, number, "words", f"'{banned}' does not belong here")
            for number, line in enumerate(text.splitlines(), 1) for banned in BANNED_TEXTS if banned in line]


def check_document(tree, path, text):
    violations = []
    folder = os.path.dirname(path)
    for number, line in enumerate(text.splitlines(), 1):
        for link in _LINK.findall(line):
            target = os.path.normpath(os.path.join(folder, link))
            if "://" not in link and not tree.exists(target):
                violations.append(Violation(path, number, "paths", f"the link {link} leads nowhere"))
        for span in _CODE_SPAN.findall(line):
            named = span.split(" ")[0]
            if is_path(tree, named) and not found(tree, folder, named):
                violations.append(Violation(path, number, "paths", f"{named} does not exist"))
    return violations


def is_path(tree, text):
    # Without an ending or a slash behind it, `reward/mean` is a metric's name.
    if not _PATH.match(text) or "/" not in text or not ("." in text.rsplit("/", 1)[1] or text.endswith("/")):
        return False
    first = text.split("/")[0]
    return first not in GENERATED_FOLDERS and first in {folder.split("/")[0] for folder in tree.folders}


def found(tree, folder, named):
    if "*" in named:
        return any(fnmatch.fnmatch(path, named) for path in tree.paths)
    return tree.exists(named) or tree.exists(os.path.normpath(os.path.join(folder, named)))
