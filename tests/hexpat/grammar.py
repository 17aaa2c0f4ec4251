"""Parses the part of ImHex's pattern language that our pattern keeps to; anything else fails.

Written from the language's documentation, not from the exporter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

RESERVED = frozenset(
    """
    if else while for match return break continue struct enum union fn bitfield unsigned signed le
    be parent namespace using this in out ref null const try catch import as is true false nan inf
    addressof sizeof typenameof padding auto any float double bool char char16 str
    """.split()  # noqa: SIM905
)
BUILT_IN = {f"{sign}{8 * width}": width for sign in "us" for width in (1, 2, 3, 4, 6, 8, 12, 16)}
UNITS = {**BUILT_IN, "char": 1}

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)|(?P<number>0x[0-9A-Fa-f]+|\d+)|(?P<word>[A-Za-z_]\w*)
    |(?P<text>"(?:[^"\\]|\\.)*")|(?P<mark>::|\[\[|\]\]|==|!=|>=|<=|>>|<<|&&|\|\||[-+*/%<>=(){}\[\];:,.@$!&|])
    """,
    re.VERBOSE,
)
_LEVELS = (("||",), ("&&",), ("==", "!="), (">=", "<=", "<", ">"), (">>", "<<"), ("+", "-"),
           ("*", "/", "%"))  # fmt: skip

Node = tuple[Any, ...]


@dataclass
class Program:
    """What a pattern declares, and what it does at its top."""

    pragmas: dict[str, str] = field(default_factory=dict)
    imports: list[str] = field(default_factory=list)
    enums: dict[str, tuple[str, dict[str, int]]] = field(default_factory=dict)
    bitfields: dict[str, tuple[list[tuple[str, str, int]], str, int]] = field(default_factory=dict)
    structs: dict[str, tuple[list[str], list[Node]]] = field(default_factory=dict)
    functions: dict[str, tuple[list[str], list[Node]]] = field(default_factory=dict)
    statements: list[Node] = field(default_factory=list)


class Parser:
    """A pattern's text as a `Program`."""

    def __init__(self, text: str) -> None:
        self.program = Program()
        pragma = re.compile(r"^#pragma (\w+) (.*)$", re.MULTILINE)
        self.program.pragmas = dict(pragma.findall(text))
        text = pragma.sub("", text)
        self.tokens: list[str] = []
        position = 0
        while position < len(text):
            found = _TOKEN.match(text, position)
            assert found, f"not a token: {text[position : position + 40]!r}"
            if found.lastgroup != "space":
                self.tokens.append(found.group())
            position = found.end()
        self.at = 0

    # -- tokens ------------------------------------------------------------------------

    def peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.peek()
        near = " ".join(self.tokens[max(0, self.at - 8) : self.at + 4])
        assert not expected or token in expected, f"expected {expected}, found {token!r}: {near}"
        self.at += 1
        return token

    def accept(self, token: str) -> bool:
        if self.peek() != token:
            return False
        self.at += 1
        return True

    def name(self) -> str:
        token = self.take()
        assert re.fullmatch(r"[A-Za-z_]\w*", token), f"no name: {token!r}"
        assert token not in RESERVED, f"{token!r} is reserved"
        assert token not in BUILT_IN, f"{token!r} is a type"
        return token

    # -- declarations ------------------------------------------------------------------

    def parse(self) -> Program:
        program = self.program
        while self.peek():
            word = self.peek()
            if word == "import":
                self.take()
                path = [self.name()]
                while self.accept("."):
                    path.append(self.name())
                program.imports.append(".".join(path))
                self.take(";")
            elif word in ("enum", "bitfield", "struct", "fn"):
                self.take()
                getattr(self, f"_{word}")()
                self.take(";")
            else:
                program.statements.append(self.statement())
        return program

    def _declared(self, name: str) -> str:
        known = (self.program.enums, self.program.bitfields, self.program.structs)
        assert not any(name in one for one in known), f"{name} is declared twice"
        return name

    def _enum(self) -> None:
        name = self._declared(self.name())
        self.take(":")
        values: dict[str, int] = {}
        width = self.take(*BUILT_IN)
        self.take("{")
        while not self.accept("}"):
            value = self.name()
            assert value not in values, f"{name}::{value} twice"
            self.take("=")
            values[value] = int(self.take(), 0)
            if self.peek() != "}":
                self.take(",")
        self.program.enums[name] = (width, values)

    def _bitfield(self) -> None:
        name = self._declared(self.name())
        members: list[tuple[str, str, int]] = []
        self.take("{")
        while not self.accept("}"):
            kind = ""
            if self.accept("padding"):
                member = ""
            else:
                member = self.name()
                if self.peek() != ":":
                    assert member in self.program.enums, f"{member} is declared later or never"
                    kind, member = member, self.name()
            self.take(":")
            members.append((member, kind, int(self.take(), 0)))
            self._attributes()
            self.take(";")
        (attribute,) = self._attributes()
        assert attribute[0] == "bitfield_order"
        order, width = attribute[1]
        assert order[0] == "scope"
        assert order[1][:-1] == ["std", "core", "BitfieldOrder"]
        assert sum(bits for _, _, bits in members) == width[1], f"{name}: bits"
        self.program.bitfields[name] = (members, order[1][-1], width[1])

    def _struct(self) -> None:
        name = self._declared(self.name())
        parameters = []
        if self.accept("<"):
            while not self.accept(">"):
                self.take("auto")
                parameters.append(self.name())
                if self.peek() != ">":
                    self.take(",")
        self.program.structs[name] = (parameters, [])
        self.program.structs[name][1].extend(self.block())

    def _fn(self) -> None:
        name, parameters = self.name(), []
        assert name not in self.program.functions, f"{name}() is declared twice"
        self.take("(")
        while not self.accept(")"):
            self.take(*BUILT_IN)
            parameters.append(self.name())
            if self.peek() != ")":
                self.take(",")
        self.program.functions[name] = (parameters, self.block())

    def _attributes(self) -> list[Node]:
        found: list[Node] = []
        if self.accept("[["):
            while not self.accept("]]"):
                name = self.name()
                arguments = self._arguments() if self.peek() == "(" else []
                found.append((name, arguments))
                if self.peek() != "]]":
                    self.take(",")
        return found

    # -- statements --------------------------------------------------------------------

    def block(self) -> list[Node]:
        found = []
        self.take("{")
        while not self.accept("}"):
            found.append(self.statement())
        return found

    def statement(self) -> Node:
        if self.accept("if"):
            self.take("(")
            condition = self.expression()
            self.take(")")
            body, otherwise = self.block(), []
            if self.accept("else"):
                otherwise = [self.statement()] if self.peek() == "if" else self.block()
            return ("if", condition, body, otherwise)
        if self.accept("return"):
            node: Node = ("return", self.expression())
        elif self.accept("padding"):
            self.take("[")
            node = ("padding", self.expression())
            self.take("]")
        elif self.peek(1) == "=":
            name = self.name()
            self.take("=")
            node = ("assign", name, self.expression())
        elif self.peek(1) in ("::", "("):
            node = ("call", self.expression())
        else:
            node = self._variable()
        self.take(";")
        return node

    def _variable(self) -> Node:
        kind, arguments = self.take(), []
        program = self.program
        known = (UNITS, program.enums, program.bitfields, program.structs)
        assert any(kind in one for one in known), f"{kind} is declared later or never"
        if kind in program.structs and program.structs[kind][0]:
            self.take("<")
            while not self.accept(">"):
                arguments.append(self._primary())
                if self.peek() != ">":
                    self.take(",")
            assert len(arguments) == len(program.structs[kind][0]), f"{kind}: arguments"
        name, size, place = self.name(), None, None
        if self.accept("="):
            return ("local", name, self.expression())
        if self.accept("["):
            if self.accept("while"):
                self.take("(")
                size = ("while", self.expression())
                self.take(")")
            else:
                size = self.expression()
            self.take("]")
        if self.accept("@"):
            place = self.expression()
        return ("member", kind, arguments, name, size, place, self._attributes())

    # -- expressions -------------------------------------------------------------------

    def expression(self, level: int = 0) -> Node:
        if level == len(_LEVELS):
            return self._primary()
        left = self.expression(level + 1)
        while self.peek() in _LEVELS[level]:
            operator = self.take()
            left = ("binary", operator, left, self.expression(level + 1))
        return left

    def _arguments(self) -> list[Node]:
        found = []
        self.take("(")
        while not self.accept(")"):
            found.append(self.expression())
            if self.peek() != ")":
                self.take(",")
        return found

    def _primary(self) -> Node:
        token = self.peek()
        if self.accept("("):
            inner = self.expression()
            self.take(")")
            return inner
        if self.accept("$"):
            return ("here",)
        if token[0].isdigit():
            return ("number", int(self.take(), 0))
        if token.startswith('"'):
            return ("text", self.take()[1:-1])
        if token in ("true", "false"):
            return ("number", int(self.take() == "true"))
        if self.accept("addressof"):
            self.take("(")
            node = ("address", self.expression())
            self.take(")")
            return node
        path = [self.name()]
        while self.accept("::"):
            path.append(self.name())
        if self.peek() == "(":
            return ("function", path, self._arguments())
        if len(path) > 1:
            return ("scope", path)
        node = ("variable", path[0])
        while self.accept("."):
            node = ("dot", node, self.name())
        return node
