"""Reads C++ well enough to find includes, functions, parameters and nesting. No compiler is asked."""

import bisect
import dataclasses
import re

_RAW_STRING = re.compile(r'R"([^()\\ ]{0,16})\((.*?)\)\1"', re.DOTALL)
_SKIPPED = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-zA-Z_])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', re.MULTILINE)
_CONTROL = re.compile(r"\b(?:if|for|while|switch|do|else|try|catch)\b")
_CLASS = re.compile(r"^(?:template\b.*>\s*)?(?:class|struct|union|enum)\b", re.DOTALL)
_LAMBDA = re.compile(r"\[[^\[\]]*\]\s*(?:\(.*\))?\s*(?:mutable\s*)?(?:noexcept\s*)?(?:->[\w:<>,\s*&]+)?$", re.DOTALL)
_LABEL = re.compile(r"^(?:(?:case\b[^?;]*?|default)\s*:(?!:)\s*)+")
# `Name(int a) : a_` before the brace of `a_{a}`.
_MEMBER_INITIALIZER = re.compile(r"\)\s*(?:noexcept\s*)?:(?!:)(?:.*,)?\s*\w+$", re.DOTALL)
_NOT_A_FUNCTION = re.compile(r"^(?:using|typedef|friend|static_assert|return|extern|namespace)\b")


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    line: int
    parameters: tuple
    lines: int  # signature and body; 0 for a declaration
    nesting: int  # control blocks inside each other
    head: str


def blank(text):
    """The text with comments, literals and directives replaced by spaces; lines and columns stay."""

    def spaces(match):
        return re.sub(r"[^\n]", " ", match.group())

    def keep_quotes(match):
        found = match.group()
        if found[0] in "\"'":
            return found[0] + re.sub(r"[^\n]", " ", found[1:-1]) + found[-1]
        return spaces(match)

    return _DIRECTIVE.sub(spaces, _SKIPPED.sub(keep_quotes, _RAW_STRING.sub(spaces, text)))


def includes(text):
    """(line, path, is_system) of each #include."""
    for match in _INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start(1)) + 1, match.group(2), match.group(1) == "<"


def split_top_level(text):
    """Splits at commas outside of all brackets."""
    parts, depth, current = [], 0, ""
    for index, char in enumerate(text):
        if char in "([{<":
            depth += 1
        elif char in ")]}" or (char == ">" and text[index - 1] != "-"):
            depth -= 1
        if char == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += char
    parts.append(current.strip())
    return [part for part in parts if part and part != "void"]


def parse_signature(head):
    """(name, parameters) of a function's head, or None where it is no function."""
    head = head.strip()
    if _NOT_A_FUNCTION.match(head):
        return None
    angle = 0
    for index, char in enumerate(head):
        if char == "<" and head[index - 1] != "<":
            angle += 1
        elif char == ">" and head[index - 1] != "-":
            angle = max(0, angle - 1)
        elif char == "=" and angle == 0 and "operator" not in head[:index]:
            return None
        elif char == "(" and angle == 0:
            return _signature_at(head, index)
    return None


def _signature_at(head, index):
    name = re.search(r"(operator\s*\S*|~?[A-Za-z_]\w*)\s*$", head[:index])
    if name is None:
        return None
    if name.group(1) == "operator":
        index = head.find("(", index + 1)
        if index < 0:
            return None
    depth = 0
    for end in range(index, len(head)):
        depth += (head[end] == "(") - (head[end] == ")")
        if depth == 0:
            return name.group(1), tuple(split_top_level(head[index + 1:end]))
    return None


@dataclasses.dataclass
class _Scope:
    kind: str  # outer, function, control, block
    head: str = ""
    start: int = 0
    levels: int = 0
    deepest: int = 0
    outer_head: str = ""
    outer_parens: int = 0


class _Scanner:
    """Walks over blanked text, brace by brace."""

    def __init__(self, text):
        self.code = blank(text)
        self.line_starts = [0] + [match.end() for match in re.finditer("\n", text)]
        self.scopes = [_Scope("outer")]
        self.head, self.start, self.parens = "", 0, 0
        self.functions = []

    def line_at(self, offset):
        return bisect.bisect_right(self.line_starts, offset)

    def scan(self):
        for offset, char in enumerate(self.code):
            if char == "{":
                self.open_brace()
            elif char == "}":
                self.close_brace(offset)
            elif char == ";" and self.parens == 0:
                self.end_statement()
            else:
                self.take(offset, char)
        return self.functions

    def take(self, offset, char):
        if not self.head.strip() and not char.isspace():
            self.start, self.head = offset, ""
        self.parens += (char == "(") - (char == ")")
        self.head += char
        if char == ":" and re.fullmatch(r"\s*(?:public|private|protected)\s*:", self.head):
            self.head = ""

    def end_statement(self):
        if self.scopes[-1].kind == "outer":
            signature = parse_signature(self.head)
            if signature:
                name, parameters = signature
                self.functions.append(Function(name, self.line_at(self.start), parameters, 0, 0, self.head.strip()))
        self.head = ""

    def open_brace(self):
        head = _LABEL.sub("", self.head.strip())
        scope = _Scope(self.kind_of(head), head, self.start, outer_head=self.head, outer_parens=self.parens)
        if scope.kind == "control":
            scope.levels = len(_CONTROL.findall(head.replace("else if", "if"))) or 1
        self.scopes.append(scope)
        self.head, self.parens = "", 0

    def kind_of(self, head):
        if self.scopes[-1].kind == "outer":
            if _CLASS.match(head) or head.startswith(("namespace", "inline namespace", "extern")):
                return "outer"
            return "function" if parse_signature(head) and not _MEMBER_INITIALIZER.search(head) else "block"
        if self.parens == 0 and _CONTROL.match(head) and not _LAMBDA.search(head):
            return "control"
        return "block"

    def close_brace(self, offset):
        if len(self.scopes) == 1:
            return
        scope = self.scopes.pop()
        if scope.kind == "function":
            self.add_function(scope, offset)
        elif scope.kind != "outer":
            self.scopes[-1].deepest = max(self.scopes[-1].deepest, scope.levels + scope.deepest)
        self.parens = scope.outer_parens
        # After `x{1}` or a lambda the statement goes on; after any other block it is over.
        self.head = scope.outer_head + "{}" if scope.kind == "block" and scope.head else ""
        self.start = scope.start

    def add_function(self, scope, offset):
        name, parameters = parse_signature(scope.head)
        first = self.line_at(scope.start)
        self.functions.append(
            Function(name, first, parameters, self.line_at(offset) - first + 1, scope.deepest, scope.head))


def functions(text):
    """Every function that is declared or defined at namespace or class scope, in the order of their ends."""
    return _Scanner(text).scan()
