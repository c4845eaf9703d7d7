"""Headers say shapes, shapes use the legend's letters, exceptions stay in the guards, every source has a test."""

import re

from tree_rules import cpp_text
from tree_rules.tree import Violation, is_test

LEGEND_FILE = "ARCHITECTURE.md"
GUARDS = re.compile(r"^(base/torch_guard|base/grpc_guard|base/config\w*|base/json|tools/main)\.cc$")
UNTESTED = re.compile(r"^(tools/main|base/pch_\w+)\.cc$")

# A kernel's sources for the instruction-set classes share its test, which runs every class of the machine.
_ISA = re.compile(r"_(avx2|avx512)$")
_TENSOR = re.compile(r"(?:std::vector<\s*)?at::Tensor(?:\s*>)?\s*[&*]?\s*(\w+)")
_MEMBER = re.compile(r"^\s+(?:const\s+|mutable\s+)*(?:std::vector<\s*)?at::Tensor\s*>?\s+(\w+)\s*(?:=[^;]*|\{[^;]*)?;(.*)$")
_SHAPE = re.compile(r"\[[A-Za-z0-9 .,*+/()_-]*\]|any shape|same shape|scalar")
_SHAPE_WITH_LETTERS = re.compile(r"\[([A-Z][A-Za-z0-9 ,*+/()-]*)\]\s*(?:float|int|bool|bf|uint|,|;|\.|$|\s)")
_LEGEND_LETTER = re.compile(r"^[A-Z][a-z]{0,2}$")


def check(tree):
    letters = read_legend(tree.texts.get(LEGEND_FILE, ""))
    violations = []
    for path, text in tree.cpp():
        if not is_test(path):
            violations += check_exceptions(path, text) + check_has_test(tree, path)
        if path.endswith(".h") and not is_test(path):
            violations += check_shapes(path, text) + check_letters(path, text, letters)
    return violations


def read_legend(text):
    """The letters in the first columns of the legend's table: `| B | rows | H | heads |`."""
    letters = set()
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        for cell in cells[0::2]:
            parts = [part.strip() for part in cell.split(",")]
            if line.startswith("|") and all(_LEGEND_LETTER.match(part) for part in parts):
                letters.update(parts)
    return letters


def check_exceptions(path, text):
    if GUARDS.match(path):
        return []
    code = cpp_text.blank(text)
    return [Violation(path, code.count("\n", 0, match.start()) + 1, "exceptions",
                      f"`{match.group(1)}` stands only in the guards of base/ and in tools/main.cc; return a status")
            for match in re.finditer(r"\b(try|catch|throw)\b", code)]


def comment_above(lines, index):
    """The comment block that ends just above a line; the members of a struct may share one."""
    found = []
    while index > 0 and lines[index - 1].strip().startswith("//"):
        index -= 1
        found.append(lines[index])
    return "\n".join(reversed(found))


def check_shapes(path, text):
    lines = text.splitlines()
    violations = []
    for number, line in enumerate(lines, 1):
        match = _MEMBER.match(line)
        if match and not _SHAPE.search(match.group(2) + comment_above(lines, number - 1)):
            violations.append(Violation(path, number, "shapes", f"{match.group(1)}: say its shape, such as // [N] float32"))
    # A header describes one op: "the same as above" finds its shapes in the comments above.
    comments = "\n".join(line.partition("//")[2] for line in lines)
    for function in cpp_text.functions(text):
        for name in tensors_without_shape(function, comments):
            violations.append(Violation(path, function.line, "shapes", f"{function.name}: say the shape of {name}"))
    return violations


def tensors_without_shape(function, comment):
    missing = []
    for parameter in function.parameters:
        match = _TENSOR.search(parameter)
        if match and "map<" not in parameter and not shape_of(match.group(1), comment):
            missing.append(match.group(1))
    returned = function.head.split("(")[0]
    if "at::Tensor" in returned and "map<" not in returned and not shape_of("[Rr]eturns?", comment):
        missing.append("what it returns")
    return missing


def shape_of(name, comment):
    """Whether a line of the comment has the name (a pattern) and a shape, on it or on the line below."""
    lines = comment.splitlines()
    for index, line in enumerate(lines):
        if re.search(rf"\b{name}\b", line) and _SHAPE.search(line + " ".join(lines[index + 1:index + 2])):
            return True
    return False


def check_letters(path, text, letters):
    violations = []
    for number, line in enumerate(text.splitlines(), 1):
        for shape in _SHAPE_WITH_LETTERS.findall(line.partition("//")[2]):
            for name in sorted(set(re.findall(r"\b[A-Z][A-Za-z]*", shape))):
                if name not in letters:
                    violations.append(Violation(path, number, "legend",
                                                f"[{shape}]: {name} is not a letter of the legend in {LEGEND_FILE}"))
    return violations


def check_has_test(tree, path):
    if not path.endswith((".cc", ".cu")) or UNTESTED.match(path):
        return []
    folder, _, name = path.rpartition("/")
    stem = _ISA.sub("", name.rsplit(".", 1)[0])
    folders = {folder, folder.split("/")[0], "base_torch" if folder == "base" else folder}
    candidates = [f"tests/{candidate}/{stem}_test.cc" for candidate in sorted(folders)]
    if any(candidate in tree.texts for candidate in candidates) or header_is_tested(tree, f"{folder}/{stem}.h", path):
        return []
    return [Violation(path, 1, "has-test", f"no test {' or '.join(candidates)}, "
                      "and no test there includes its header")]


def header_is_tested(tree, header, path):
    """Whether a test of the same top folder includes the source's own header."""
    tests = f"tests/{path.split('/')[0]}"
    return header in tree.texts and any(
        test.startswith(tests) and test.endswith("_test.cc") and f'#include "{header}"' in text
        for test, text in tree.texts.items())
