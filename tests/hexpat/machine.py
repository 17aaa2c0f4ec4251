"""Runs a parsed pattern over a file, as ImHex would, and refuses every read outside of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .grammar import UNITS, Node, Program

LEAST, MOST = "LeastToMostSignificant", "MostToLeastSignificant"


@dataclass
class Number:
    """A value read from the file; `name` where an enumeration has one for it."""

    value: int
    offset: int
    width: int
    enum: str = ""
    name: str = ""


@dataclass
class Bits:
    """A bitfield's members in order, padding left out."""

    members: dict[str, Number]
    offset: int


@dataclass
class Run:
    """Bytes or characters side by side."""

    unit: str
    offset: int
    length: int


@dataclass
class Struct:
    """A placed structure."""

    kind: str
    offset: int
    members: dict[str, Any] = field(default_factory=dict)
    local: dict[str, int] = field(default_factory=dict)


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Machine:
    """One run of a program over the bytes of one file."""

    def __init__(self, program: Program, data: bytes) -> None:
        self.program = program
        self.data = data
        self.here = 0
        self.big = False
        self.limit = int(program.pragmas["array_limit"], 0)
        self.globals = Struct("", 0)
        assert program.pragmas["endian"] == "little"
        for statement in program.statements:
            self._run(statement, self.globals)

    # -- statements --------------------------------------------------------------------

    def _run(self, node: Node, scope: Struct) -> None:
        kind = node[0]
        if kind == "if":
            for one in node[2] if self.value(node[1], scope) else node[3]:
                self._run(one, scope)
        elif kind == "return":
            raise _Return(self.value(node[1], scope))
        elif kind == "padding":
            self._skip(int(self.value(node[1], scope)))
        elif kind == "local":
            assert node[1] not in scope.members, f"{node[1]} is a member as well"
            scope.local[node[1]] = self.value(node[2], scope)
        elif kind == "assign":
            assert node[1] in scope.local, f"{node[1]} is assigned before it is declared"
            scope.local[node[1]] = self.value(node[2], scope)
        elif kind == "call":
            self.value(node[1], scope)
        else:
            self._member(node, scope)

    def _member(self, node: Node, scope: Struct) -> None:
        _, kind, arguments, name, size, place, _ = node
        assert name not in scope.members, f"{scope.kind}.{name} is placed twice"
        assert name not in scope.local, f"{scope.kind}.{name} is a variable as well"
        if place is not None:
            self.here = self.value(place, scope)
        if size is None:
            scope.members[name] = self._place(kind, arguments, scope)
            return
        if kind in UNITS:
            count = self.value(size, scope)
            scope.members[name] = Run(kind, self.here, count * UNITS[kind])
            self._skip(count * UNITS[kind])
            return
        found = scope.members[name] = []
        if size[0] == "while":
            while self.value(size[1], scope):
                found.append(self._place(kind, arguments, scope))
            return
        count = self.value(size, scope)
        assert count <= self.limit, f"{name}: {count} entries"
        found.extend(self._place(kind, arguments, scope) for _ in range(count))

    def _skip(self, count: int) -> None:
        assert count >= 0, "a negative number of bytes"
        assert self.here + count <= len(self.data), "a read behind the end of the file"
        self.here += count

    def _place(self, kind: str, arguments: list[Node], scope: Struct) -> Any:
        program, start = self.program, self.here
        if kind in program.structs:
            parameters, body = program.structs[kind]
            values = [self.value(one, scope) for one in arguments]
            struct = Struct(kind, start, local=dict(zip(parameters, values)))
            for statement in body:
                self._run(statement, struct)
            return struct
        if kind in program.enums:
            unit, names = program.enums[kind]
            number = self._number(UNITS[unit])
            number.enum = kind
            number.name = next((n for n, v in names.items() if v == number.value), "")
            return number
        if kind in program.bitfields:
            return self._bitfield(kind)
        return self._number(UNITS[kind])

    def _number(self, width: int) -> Number:
        start = self.here
        self._skip(width)
        order = "big" if self.big else "little"
        return Number(int.from_bytes(self.data[start : self.here], order), start, width)  # type: ignore[arg-type]

    def _bitfield(self, kind: str) -> Bits:
        members, order, width = self.program.bitfields[kind]
        assert order in (LEAST, MOST)
        word = self._number(width // 8)
        found: dict[str, Number] = {}
        position = 0
        for name, enum, bits in members:
            shift = position if order == LEAST else width - position - bits
            value = word.value >> shift & (1 << bits) - 1
            if name:
                names = self.program.enums[enum][1] if enum else {}
                label = next((n for n, v in names.items() if v == value), "")
                found[name] = Number(value, word.offset, 0, enum, label)
            position += bits
        return Bits(found, word.offset)

    # -- expressions -------------------------------------------------------------------

    def value(self, node: Node, scope: Struct) -> Any:
        """The value of an expression: a number or text."""
        kind = node[0]
        if kind in ("number", "text"):
            return node[1]
        if kind == "here":
            return self.here
        if kind == "binary":
            return self._binary(node, scope)
        if kind == "scope":
            if node[1][:-1] == ["std", "mem", "Endian"]:
                return node[1][-1]
            enum, name = node[1]
            return self.program.enums[enum][1][name]
        if kind == "address":
            return self._find(node[1], scope).offset
        if kind == "function":
            return self._call(node[1], [self.value(one, scope) for one in node[2]])
        found = self._find(node, scope)
        return found.value if isinstance(found, Number) else found

    def _find(self, node: Node, scope: Struct) -> Any:
        if node[0] == "variable":
            for place in (scope.local, scope.members):
                if node[1] in place:
                    return place[node[1]]  # type: ignore[index]
            raise AssertionError(f"{scope.kind}: no {node[1]} was placed before")
        return self._find(node[1], scope).members[node[2]]

    def _binary(self, node: Node, scope: Struct) -> Any:
        operator, left = node[1], self.value(node[2], scope)
        if operator == "&&":
            return bool(left) and bool(self.value(node[3], scope))
        if operator == "||":
            return bool(left) or bool(self.value(node[3], scope))
        right = self.value(node[3], scope)
        if operator in ("==", "!="):
            assert type(left) is type(right) or isinstance(left, int)
            return (left == right) is (operator == "==")
        numbers: Mapping[str, Any] = {
            "+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right,
            "/": lambda: left // right, ">>": lambda: left >> right, "<": lambda: left < right,
            ">": lambda: left > right, "<=": lambda: left <= right, ">=": lambda: left >= right,
        }  # fmt: skip
        result = numbers[operator]()
        assert result >= 0, "an unsigned number below zero"
        return result

    def _call(self, path: list[str], arguments: list[Any]) -> Any:
        if path[0] != "std":
            (name,) = path
            parameters, body = self.program.functions[name]
            frame = Struct(name, 0, local=dict(zip(parameters, arguments)))
            assert len(parameters) == len(arguments)
            try:
                for statement in body:
                    self._run(statement, frame)
            except _Return as returned:
                return returned.value
            return None
        assert ".".join(path[:2]) in self.program.imports
        return getattr(self, "_" + "_".join(path))(*arguments)

    def _std_mem_size(self) -> int:
        return len(self.data)

    def _std_mem_base_address(self) -> int:
        return 0

    def _std_mem_read_string(self, offset: int, size: int) -> str:
        assert offset + size <= len(self.data)
        return self.data[offset : offset + size].decode("latin-1")

    def _std_mem_read_unsigned(self, offset: int, size: int, endian: str = "Native") -> int:
        assert offset + size <= len(self.data)
        assert size == 1 or endian != "Native"
        order = "big" if endian == "Big" else "little"
        return int.from_bytes(self.data[offset : offset + size], order)  # type: ignore[arg-type]

    def _std_core_set_endian(self, endian: str) -> None:
        self.big = {"Big": True, "Little": False}[endian]
