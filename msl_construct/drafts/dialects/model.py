"""What a dialect is, and what recognising one comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from ...schema.blocks import ByteOrder

if TYPE_CHECKING:
    from uuid import UUID

    from ...schema import BlockType, Draft, FlagValue, Record, Schema

__all__ = [
    "MOST_ROWS",
    "Beginning",
    "Dialect",
    "Evidence",
    "Habits",
    "Marks",
    "Producer",
    "Recognition",
    "SeenBlock",
    "told_anew",
]


class SeenBlock(Protocol):
    """A block, decoded as some schema has it."""

    @property
    def key(self) -> str:
        """Name of its type."""

    @property
    def type(self) -> BlockType | None:
        """What the schema says of its type."""

    @property
    def header(self) -> Record:
        """The decoded block header."""

    @property
    def payload(self) -> Record:
        """The decoded payload."""

    @property
    def problem(self) -> str | None:
        """Why the payload could not be decoded to its end."""

    @property
    def flags(self) -> FlagValue:
        """The block's flags."""

    @property
    def uuid(self) -> UUID:
        """BlockUUID."""

    @property
    def parent_uuid(self) -> UUID:
        """ParentUUID; all zeros where there is none."""


class Evidence(Protocol):
    """The part of a file that a dialect is recognised by.

    Attributes:
        header: fields of the file header, as the draft has them.
        types: the block types in order: all of a file's, or those that are within reach of who
            reads a pipe.
        lengths, flags: BlockLength and Flags of these blocks.
    """

    header: Mapping[str, Any]
    types: Sequence[int]
    lengths: Sequence[int]
    flags: Sequence[int]

    def block(self, schema: Schema, index: int) -> SeenBlock | None:
        """A block as a schema has it; None where looking at it would cost too much."""


MOST_ROWS = 1024
"""Rows of a table that are looked at."""

Marks = Callable[[Evidence, "Schema"], Iterable[str]]
"""What of a file, beside its layouts, is as only the producers of a dialect write it: a sentence
each. Is given the schema of the draft."""


Habits = Callable[[Evidence, "Schema"], bool]
"""Whether a file may be of a dialect's first producer in which nothing tells of it. Is given the
schema of the draft."""


Beginning = Callable[[bytes, "Schema"], Iterable[str]]
"""What in a file's first bytes, up to the header of Block 0, no draft allows and this dialect has:
a sentence each. Is given the newest draft, in the byte order that the file states; whatever it
recognises is read in the byte order that the dialect has."""


EarlierHeaders = Callable[[bytes, "Schema"], Iterable[tuple[bytes, str]]]
"""What a file header may have been when it was hashed, if it was changed since in a way that is
known: its bytes then, and what was changed, in words."""


@dataclass(frozen=True)
class Producer:
    """A program that writes a dialect.

    Attributes:
        name: what it is called.
        series: the versions that write so, as far as is known: ``0.5``; empty: all.
        seen: the versions whose files were looked at.
    """

    name: str
    series: str = ""
    seen: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.series}".rstrip()


@dataclass(frozen=True)
class Dialect:
    """One dialect of a draft: what its producers write where the draft says something else.

    Attributes:
        name: what it is called on the command line and in documents.
        title: the same for people.
        text: a sentence or two: what differs.
        source: where that is known from.
        producers: who writes it.
        draft: what such files are read with: an overlay that goes by the name of its draft.
        codes: the block types whose payloads it lays out otherwise than the draft.
        untold: those of them that it is not recognised by, because other producers may write
            the same.
        beginning: see `Beginning`.
        marks: see `Marks`.
        unmarked: see `Habits`; None: in all files of the producers something tells.
        unrecorded_hashes: whether its producers have left out hashes: a PrevHash of Block 0 or a
            FileHash of zeros is none.
        earlier_headers: see `EarlierHeaders`.
        reversed_ipv4: whether its producers turn the bytes of the IPv4 addresses that Linux gives
            them for their Connection Tables.
        socket_sections: what its producers mean by Family in a Connectivity Table's rows about
            sockets, where that is no address family.
        explains: by a rule's id, or that and the path of a field with a colon between, why files
            of these producers break it; patterns (``fnmatch``) of both.
        differences: by key of a structure, what is different in it, in a sentence; `text` speaks
            for the others.
    """

    name: str
    title: str
    text: str
    source: str
    producers: tuple[Producer, ...]
    draft: Draft
    codes: frozenset[int]
    untold: frozenset[int] = frozenset()
    beginning: Beginning | None = None
    marks: Marks | None = None
    unmarked: Habits | None = None
    unrecorded_hashes: bool = False
    earlier_headers: EarlierHeaders | None = None
    reversed_ipv4: bool = False
    socket_sections: Mapping[int, str] = field(default_factory=dict)
    explains: Mapping[str, str] = field(default_factory=dict)
    differences: Mapping[str, str] = field(default_factory=dict)

    @property
    def telling(self) -> frozenset[int]:
        """The block types that it is recognised by."""
        return self.codes - self.untold

    @property
    def producer(self) -> str:
        """Who has probably written such a file: ``memslicer 0.5``."""
        return " or ".join(map(str, self.producers))


@dataclass(frozen=True)
class Recognition:
    """Which dialect a file, or a part of it, is in.

    Attributes:
        dialect: the one that it is read with; None: the draft itself.
        reasons: what it was recognised by, a sentence each.
        others: names of the dialects that fit as well.
        possible: where none is recognised, the producers that are known to write such files, too.
    """

    dialect: Dialect | None = None
    reasons: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()

    @property
    def name(self) -> str | None:
        """Name of the dialect."""
        return None if self.dialect is None else self.dialect.name

    @property
    def producer(self) -> str | None:
        """Who has probably written the file; None: nothing tells."""
        return None if self.dialect is None else self.dialect.producer

    @property
    def untold(self) -> str:
        """Who writes such files, where nothing tells the producer; empty: nobody is known."""
        if not self.possible:
            return ""
        return (
            "producer not told, for nothing in the file is peculiar to one: "
            f"{' and '.join((*self.possible, 'msl-construct'))} write such files"
        )

    def __str__(self) -> str:
        if self.dialect is None:
            return "no dialect"
        text = f"dialect {self.name}, as {self.producer} writes it ({'; '.join(self.reasons)})"
        if self.others:
            text += f"; {', '.join(self.others)} would fit as well"
        return text


def told_anew(base: Draft, name: str, **changes: Any) -> Draft:
    """An overlay for a dialect: changes of a draft that leave it its name and version."""
    overlay = base.overlay(name, base.version, base.status, **changes)
    return replace(
        overlay,
        name=base.name,
        base=base.base,
        dialect=name,
        rules=base.rules,
        without_rules=base.without_rules,
        statements=base.statements,
    )


def laid_out_otherwise(draft: Draft, base: Draft) -> Iterator[int]:
    """The block types that a draft has a layout for, where its base has none or another."""
    known = {block.code: block.layout for block in base.blocks}
    for block in draft.blocks:
        if block.layout is not None and block.layout is not known.get(block.code):
            yield block.code


def is_turned(raw: bytes, probe: Schema) -> bool:
    """Whether a header says big-endian, and Block 0 makes sense in little-endian alone.

    Args:
        raw: the file's first bytes.
        probe: the newest draft, in the byte order that the header states.
    """
    start = raw[probe.file_header.offset_of("header_size")]
    block = raw[start : start + probe.block_header_size]
    stated_little = probe.byte_order is ByteOrder.LITTLE
    if (
        stated_little
        or len(block) < probe.block_header_size
        or not block.startswith(probe.block_magic)
    ):
        return False
    little = probe.draft.bound(ByteOrder.LITTLE)
    peek = ("block_type", "block_length")
    kind, length = probe.block_header.unpacker(*peek).unpack_from(block)
    other, turned = little.block_header.unpacker(*peek).unpack_from(block)
    return kind not in probe.blocks and other in little.blocks and turned < length
