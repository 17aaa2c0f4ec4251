"""What is fuzzed: functions from bytes to an outcome, which may raise nothing.

The outcome is ``fine``, or the name of the package's own error that the input ends with.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from independent import gallery
from independent.specimens import LE10, LE11, capture, start
from mutations import mutated

import msl_construct
from msl_construct.author import (
    ADDRESS,
    DRAFTS,
    U16,
    U32,
    U64,
    BlockType,
    Coded,
    Draft,
    Enumeration,
    Field,
    Layout,
    Table,
    Utf8Z,
    Value,
    reserved,
)
from msl_construct.document import emit
from msl_construct.document.build import build
from msl_construct.document.load import load
from msl_construct.document.render import Renderer
from msl_construct.errors import ExportError, MslError
from msl_construct.exports import EXPORTS
from msl_construct.reader.stream import PassingDump
from msl_construct.rules import check

__all__ = ["TARGETS", "Target"]

INFLATE = 1 << 16
LONGEST = 64 << 10
FINE = "fine"
OWN = 0x1002  # a block type that is free


@dataclass(frozen=True)
class Target:
    """Something that is fuzzed.

    Attributes:
        name: of the folder with what was found.
        run: takes any input; gives the outcome.
        seeds: inputs to begin with.
        mutate: makes a new input from a seed for chance.
    """

    name: str
    run: Callable[[bytes], str]
    seeds: Callable[[], Sequence[bytes]]
    mutate: Callable[[str], bytes]


def _told(error: Exception) -> str:
    """The outcome for an error, which must say something."""
    assert str(error), repr(error)
    return type(error).__name__


# -- dumps -----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def dumps() -> tuple[bytes, ...]:
    named = (*gallery.files(), *gallery.undecided(), *gallery.rejected())
    return tuple(data for _, data in named if len(data) <= LONGEST)


def reader(data: bytes) -> str:
    """Everything there is to ask of a dump, as a file and from a pipe."""
    try:
        with msl_construct.open(data, max_inflate=INFLATE) as dump:
            Renderer(offsets=True).document(dump)
            if not dump.header.encrypted:
                dump.verify()
                for region in dump.regions[:8]:
                    list(region.runs())
                    dump.memory.read(region.base_addr, 1 << 13)
    except MslError as error:
        outcome = _told(error)
    else:
        outcome = FINE
    try:
        with PassingDump(io.BytesIO(data), max_inflate=INFLATE) as passing:
            Renderer(with_data=False).document(passing)
    except MslError:
        pass
    return outcome


def rules(data: bytes) -> str:
    """The rules, put to a dump."""
    try:
        with msl_construct.open(data, dialect="none", max_inflate=INFLATE) as dump:
            for finding in check(dump):
                assert finding.found.text
    except MslError as error:
        return _told(error)
    return FINE


def a_dump(seed: str) -> bytes:
    return mutated(seed, dumps())


# -- documents -------------------------------------------------------------------------------

WORDS = (
    "null", "~", "[]", "{}", "yes", "-1", "0x10", '"0x"', "1e400", "1:30:45", "!!binary AA==",
    "&a [*a]", "? x", "- ", "|", ">", "'", '"', "\t", "#", "---", "...", "%YAML 9", "<<: 1",
    '"\\ud800"', "18446744073709551616", "0" * 400, "[" * 99, "{a: " * 99, "\u2028", "\ufeff",
)  # fmt: skip


@lru_cache(maxsize=1)
def documents() -> tuple[bytes, ...]:
    found = []
    for kind in (LE10, LE11):
        with msl_construct.open(capture(kind).data()) as dump:
            for write in (emit.write_yaml, emit.write_json, emit.write_ndjson):
                out = io.StringIO()
                write(Renderer(with_data=True).parts(dump), out.write)
                found.append(out.getvalue().encode())
    return tuple(found)


def document(data: bytes) -> str:
    """A document, built into a file."""
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8", errors="surrogateescape", newline="")
    out = io.BytesIO()
    try:
        build(load(text), out)
        msl_construct.open(out.getvalue()).close()
    except MslError as error:
        return _told(error)
    return FINE


def a_document(seed: str) -> bytes:
    chance = random.Random(seed)
    text = chance.choice(documents()).decode()
    for _ in range(chance.choice((1, 1, 2, 3))):
        lines = text.split("\n")
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        deed = chance.randrange(6)
        if deed == 0:
            del lines[at]
        elif deed == 1:
            lines.insert(at, lines[other])
        elif deed == 2:
            lines[at], lines[other] = lines[other], lines[at]
        elif deed == 3:
            key, colon, _ = lines[at].partition(": ")
            lines[at] = f"{key}{colon}{chance.choice(WORDS)}"
        elif deed == 4:
            cut = chance.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:cut] + chance.choice(WORDS) + lines[at][cut:]
        else:
            lines[at] = " " * chance.randrange(5) + lines[at].strip()
        text = "\n".join(lines)
    return text.encode("utf-8", "surrogatepass")


# -- drafts ----------------------------------------------------------------------------------


class Choices:
    """Bytes as decisions; zeros once they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def one(self, count: int) -> int:
        """A number below `count`."""
        self._at += 1
        return self._data[self._at - 1] % count if self._at <= len(self._data) else 0

    def rest(self) -> bytes:
        """What is not used up."""
        return self._data[self._at :]


MOODS = Enumeration("Mood", 1, "§9.1", "How it is.", (Value(0, "Good"), Value(7, "Bad")))


def a_layout(choices: Choices, title: str, depth: int = 0) -> Layout:
    """Up to eight fields; what measures another stands before it."""
    fields: list[Field] = []
    numbers = (U16, U32, U64, ADDRESS)
    for index in range(1 + choices.one(8)):
        name = f"{title.replace(' ', '')}{chr(65 + index)}"
        kind = choices.one(8)
        if kind < len(numbers):
            fields.append(Field(name, numbers[kind], "A number."))
        elif kind == 4:
            fields.append(Field(name, Coded("Mood"), "A mood."))
        elif kind == 5:
            fields.append(reserved(1 + choices.one(9), f"{name}Reserved"))
        else:
            length = Field(f"{name}Len", (U16, U32)[choices.one(2)], "How much of it.")
            what: Utf8Z | Table = Utf8Z(f"{name}Len")
            if kind == 7 and depth < 2:
                entry = a_layout(choices, f"{title} {chr(65 + index)}", depth + 1)
                what = Table(length.name, entry)
            fields += [length, Field(name, what, "Something of a length.")]
    return Layout(title, "§9", tuple(fields))


def draft(data: bytes) -> str:
    """A draft with a block type of its own, a dump with such a block, and its exports."""
    choices = Choices(data)
    base = list(DRAFTS.values())[choices.one(len(DRAFTS))]
    exported = choices.one(16) == 1  # takes a hundred times as long as all else
    try:
        block = BlockType(OWN, "Odd Thing", "§9", "Odd.", a_layout(choices, "Odd"))
        made: Draft = base.overlay(
            "draft-odd", 0x0107, "made up", blocks=(block,), enumerations=(MOODS,)
        )
    except (MslError, ValueError) as error:  # what its author is told
        return _told(error)
    builder = start(LE10)
    builder.add(OWN, choices.rest()[:4096])
    stored = builder.data()
    with msl_construct.open(stored, draft=made) as dump:
        list(check(dump))
        shown = Renderer().document(dump)
        assert len(shown["blocks"]) == 1
        out, text = io.BytesIO(), io.StringIO()
        emit.write_json(Renderer(with_data=True).parts(dump), text.write)
    build(load(io.StringIO(text.getvalue())), out, draft=made)
    assert out.getvalue() == stored, "a document gives another file"
    for export in EXPORTS.values() if exported else ():
        try:
            export.export(made)
        except ExportError:
            continue
    return FINE


def some_bytes(seed: str) -> bytes:
    chance = random.Random(seed)
    return chance.randbytes(chance.choice((8, 40, 200, 1000)))


TARGETS = {
    target.name: target
    for target in (
        Target("reader", reader, dumps, a_dump),
        Target("rules", rules, dumps, a_dump),
        Target("documents", document, documents, a_document),
        Target("drafts", draft, lambda: [some_bytes(str(n)) for n in range(40)], some_bytes),
    )
}
"""Every target by its name."""
