"""Values in messages: one short line each, whatever they are, made without looking at the rest."""

from __future__ import annotations

import ast
import uuid
from collections.abc import Iterator, Mapping

import pytest
from commands import PLACE
from hypothesis import given
from hypothesis import strategies as st

from msl_construct.abbreviated import abbreviated


class Endless(Mapping[str, int]):
    """A mapping that nobody can walk to its end."""

    def __getitem__(self, key: str) -> int:
        return 0

    def __iter__(self) -> Iterator[str]:
        number = 0
        while True:
            yield f"key{number}"
            number += 1
            assert number < 100, "looked at more than is shown"

    def __len__(self) -> int:
        return 1 << 40


def nest(levels: int) -> object:
    """Ten to the power of `levels` texts, in as many lists as there are levels."""
    value: object = "x"
    for _ in range(levels):
        value = [value] * 10
    return value


def circle() -> list[object]:
    found: list[object] = []
    found.append(found)
    return found


LARGE = {
    "text": "x" * (1 << 20),
    "text of quotes": "'\"\n" * (1 << 20),
    "bytes": bytes(1 << 20),
    "number": 1 << 1_000_000,
    "negative number": -(1 << 1_000_000),
    "list": [1] * 1_000_000,
    "tuple": ("x" * 1000,) * 1000,
    "set": set(range(1000)),
    "mapping": {"k" * 1000 + str(n): n for n in range(1000)},
    "mapping without end": Endless(),
    "nested": nest(9),
    "circle": circle(),
    "deep": {"a": {"b": {"c": {"d": nest(9)}}}},
    "object": type("Odd", (), {"__repr__": lambda self: "x" * (1 << 20)})(),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_large_is_cut(name: str) -> None:
    shown = abbreviated(LARGE[name])
    assert 0 < len(shown) <= 120
    assert "\n" not in shown


SMALL = [
    (None, "None"),
    (True, "True"),
    (5, "5"),
    (1.5, "1.5"),
    ("a", "'a'"),
    (b"a", "b'a'"),
    ([1, "a"], "[1, 'a']"),
    ((1,), "(1)"),
    ({"a": [1]}, "{'a': [1]}"),
    ([], "[]"),
    ({}, "{}"),
    (uuid.UUID(int=0), "UUID('00000000-0000-0000-0000-000000000000')"),
    ("x" * 50, "'" + "x" * 48 + "'… and 2 characters more"),
    ([1, 2, 3, 4, 5], "[1, 2, 3, 4, …]"),
    ([[[1]]], "[[[…]]]"),
]


@pytest.mark.parametrize(("value", "shown"), SMALL, ids=lambda v: repr(v)[:20])
def test_what_is_small_is_shown_as_it_is(value: object, shown: str) -> None:
    assert abbreviated(value) == shown


@given(st.text())
def test_no_character_that_acts_on_a_terminal_is_shown(text: str) -> None:
    assert abbreviated(text).isprintable()


SHORT = {
    # A program is written, whose names and patterns were checked before.
    "msl_construct.analysis.candidates.signatures": ["one.name", "_trimmed(one.text)"],
    "msl_construct.encryption.derive": ["self.origin"],
    "msl_construct.encryption.sealed": ["magic", "bytes(stated['magic'])"],
    "msl_construct.reader.walk": ["magic", "magic_expected.decode()"],
    "msl_construct.records.__init__": ["__name__", "name"],
    "msl_construct.rules.engine": ["rule"],
    "msl_construct.rules.statements.all": ["statement"],
    "msl_construct.schema.field_list": ["name"],
    "msl_construct.schema.model": ["key"],
    "msl_construct.schema.values": ["name"],
    "msl_construct.signing.statement": ["_TITLE"],
}
"""What a program has written, and bytes of constant number."""

OF_OUR_OWN = {
    "msl_construct.__init__", "msl_construct.generate", "msl_construct.exports",
    "msl_construct.drafts", "msl_construct.harness", "msl_construct.cli",
}  # fmt: skip
"""Where what is shown is a name in a program or an option of a command."""


def test_messages_show_values_in_no_other_way() -> None:
    """No `{value!r}` where the value may come from a file, a document or a caller."""
    found = []
    for path in (PLACE / "msl_construct").rglob("*.py"):
        name = ".".join(path.relative_to(PLACE).with_suffix("").parts)
        if any(name == own or name.startswith(f"{own}.") for own in OF_OUR_OWN):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FormattedValue) and node.conversion == ord("r"):
                shown = ast.unparse(node.value)
                if shown not in SHORT.get(name, []):
                    found.append(f"{name}:{node.lineno}: {shown}")
    assert sorted(found) == []
