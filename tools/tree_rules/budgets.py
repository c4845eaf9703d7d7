"""The sizes that make one stop and think: files, functions, parameters, nesting, folders."""

import collections

from tree_rules import cpp_text
from tree_rules.tree import Violation, is_test

FILE_LINES = {".h": 250, ".cc": 400, ".cu": 600, ".py": 400, ".sh": 400}
TEST_FILE_LINES = 500
FUNCTION_LINES = 60
KERNEL_LINES = 150
PARAMETERS = 6
NESTING = 3
FOLDER_SOURCES = 20


def check(tree):
    violations = check_files(tree) + check_folders(tree)
    for path, text in tree.cpp():
        for function in cpp_text.functions(text):
            violations += check_function(path, function)
    return violations


def check_files(tree):
    violations = []
    for path, text in sorted(tree.texts.items()):
        ending = path[path.rfind("."):]
        cap = FILE_LINES.get(ending)
        if cap and is_test(path):
            cap = TEST_FILE_LINES
        lines = len(text.splitlines())
        if cap and lines > cap:
            violations.append(Violation(path, cap, "file-lines", f"{lines} lines, at most {cap}"))
    return violations


def check_function(path, function):
    found = []
    cap = KERNEL_LINES if "/kernels/" in path else FUNCTION_LINES
    if function.lines > cap:
        found.append(("function-lines", f"{function.name} has {function.lines} lines, at most {cap}"))
    if len(function.parameters) > PARAMETERS:
        found.append(("parameters", f"{function.name} has {len(function.parameters)} parameters, at most {PARAMETERS}: "
                      "make a struct"))
    if function.nesting > NESTING:
        found.append(("nesting", f"{function.name} is nested {function.nesting} deep, at most {NESTING}"))
    return [Violation(path, function.line, rule, message) for rule, message in found]


def check_folders(tree):
    counts = collections.Counter(path.rsplit("/", 1)[0] for path, _ in tree.cpp(".cc", ".cu")
                                 if "/pch_" not in path)
    return [Violation(folder, 1, "folder-files", f"{count} source files, at most {FOLDER_SOURCES}")
            for folder, count in sorted(counts.items()) if count > FOLDER_SOURCES]
