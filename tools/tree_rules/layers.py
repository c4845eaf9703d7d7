"""Includes go down the layers only, as the table of ARCHITECTURE.md says, and CMake declares the same."""

import re

from tree_rules import cpp_text
from tree_rules.tree import Violation, is_test

TABLE_FILE = "ARCHITECTURE.md"
# Sources that are compiled for one instruction-set class, and all that they may reach outside of their folder.
_ISA_SOURCE = re.compile(r"^(.*/)\w+_(avx2|avx512)\.cc$")
ISA_HEADERS = {"immintrin.h", "cstdint", "cstddef"}
_ROW = re.compile(r"^(?:layer \d)?\s+(\w+)/ .*->\s*(\w[^(;]*)(.*)$")


def read_rows(text):
    """{folder: (allowed folders or None for all, never sees a tensor)}, from the rows `text/  what  -> base proto`."""
    rows = {}
    for match in filter(None, map(_ROW.match, text.splitlines())):
        names = match.group(2).split()
        rows[match.group(1)] = (None if names[0] == "everything" else set(names), "(no torch)" in match.group(3))
    table = {folder: None if allowed is None else allowed & set(rows) for folder, (allowed, _) in rows.items()}
    return table, {folder for folder, (_, torch_free) in rows.items() if torch_free}


def check(tree):
    table, torch_free = read_rows(tree.texts.get(TABLE_FILE, ""))
    if not table:
        return [Violation(TABLE_FILE, 1, "layers", "the table of folders is missing: rows like `text/  what  -> base`")]
    violations = []
    for path, text in tree.cpp():
        folder = path.split("/")[0]
        if "/" not in path or folder not in table:
            violations.append(Violation(path, 1, "layers", f"folder {folder} is not in the table of {TABLE_FILE}"))
            continue
        for line, included, _ in cpp_text.includes(text):
            violations += check_include(path, line, included, table)
            violations += check_torch(path, line, included, torch_free)
        violations += check_own_header_first(tree, path, text) + check_isa_source(tree, path)
    return violations + check_cmake(tree, table) + check_readmes(tree, table)


def check_include(path, line, included, table):
    folder, target = path.split("/")[0], included.split("/")[0]
    allowed = table[folder]
    if folder == "base" and target == "proto" and not path.startswith("base/config"):
        return [Violation(path, line, "layers", f"{included}: only base/config* may include proto")]
    if allowed is None or target not in table or target == folder or target in allowed:
        return []
    return [Violation(path, line, "layers", f"{folder} may not include {included}; it may include "
                      f"{', '.join(sorted(allowed)) or 'no other folder'}")]


def check_torch(path, line, included, torch_free):
    if included == "torch/torch.h":
        return [Violation(path, line, "torch", "torch/torch.h is banned: it costs 24 s a file")]
    torch = included.startswith(("ATen/", "torch/", "c10/"))
    if torch and path.endswith(".cu"):
        return [Violation(path, line, "torch", f"{included}: no LibTorch header in a .cu file")]
    if torch and not is_test(path) and path.split("/")[0] in torch_free:
        return [Violation(path, line, "torch", f"{included}: this folder never sees a tensor")]
    if torch and path.endswith(".h") and not path.endswith("pch_torch.h") and not (
            included == "ATen/core/Tensor.h" or included.startswith("c10/core/")):
        return [Violation(path, line, "torch", f"{included}: a header includes ATen/core/Tensor.h at most")]
    return []


def check_isa_source(tree, path):
    """An inline function of another header would be compiled for the class, and the linker might keep that copy for all."""
    match = _ISA_SOURCE.match(path)
    violations, reached, waiting = [], set(), [path] if match else []
    while waiting:
        current = waiting.pop()
        for line, included, _ in cpp_text.includes(tree.texts.get(current, "")):
            if included.startswith(match.group(1)) and included not in reached:
                reached.add(included)
                waiting.append(included)
            elif included not in ISA_HEADERS | reached:
                violations.append(Violation(current, line, "isa", f"{included}: reached from {path}, which may include "
                                            f"{', '.join(sorted(ISA_HEADERS))} and its own folder"))
    return violations


def check_own_header_first(tree, path, text):
    own = re.sub(r"\.cc$", ".h", path)
    included = [(line, name) for line, name, _ in cpp_text.includes(text)]
    if own == path or own not in tree.texts or not included or included[0][1] == own:
        return []
    return [Violation(path, included[0][0], "layers", f"the first include should be the own header {own}")]


def check_cmake(tree, table):
    """What a folder's CMakeLists.txt declares is its row of the table."""
    violations = []
    for folder, allowed in table.items():
        path = f"{folder}/CMakeLists.txt"
        text = tree.texts.get(path)
        match = re.search(r"plumb_library\((\w+)", text or "")
        if not match or allowed is None or folder == "base":
            continue
        declared = {name.replace("base_torch", "base") for name in re.findall(r"plumb::(\w+)", text)}
        declared -= {folder}
        if declared != allowed:
            violations.append(Violation(path, 1, "layers", f"declares {', '.join(sorted(declared))}; the table of "
                                        f"{TABLE_FILE} says {', '.join(sorted(allowed))}"))
    return violations


def check_readmes(tree, table):
    """Every folder has a page, whose line `May include: base proto` is its row of the table."""
    violations = []
    for folder, allowed in table.items():
        path = f"{folder}/README.md"
        match = re.search(r"^May include: ([^;.\n]*)", tree.texts.get(path, ""), re.MULTILINE)
        if not match:
            violations.append(Violation(path, 1, "layers", "is missing, or has no line `May include: FOLDERS`"))
            continue
        said = match.group(1).strip()
        expected = "everything" if allowed is None else " ".join(sorted(allowed)) or "nothing of the tree"
        if said != expected and " ".join(sorted(said.split())) != expected:
            violations.append(Violation(path, 1, "layers", f"says it may include {said}; the table of {TABLE_FILE} "
                                        f"says {expected}"))
    return violations
