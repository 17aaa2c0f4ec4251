"""Patterns of what several dumps have in common: for YARA, for Volatility, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import PatternError
from ...reader.dump import Dump
from ...space import CAPTURED
from ..hits import Searched
from ..locations import Locations
from ..patterns import hex_pattern
from ..searching import search
from .alignments import Correspondence

__all__ = [
    "LEAST_LITERAL",
    "LONGEST_PATTERN",
    "BytePattern",
    "PatternTrial",
    "byte_pattern",
    "json_signatures",
    "most_in_common",
    "tried",
    "volatility_plugin",
    "yara_rules",
]

LEAST_LITERAL = 8
"""Bytes that a pattern must have at least, so that it does not match everywhere."""
LONGEST_PATTERN = 4096
"""Bytes of a pattern at most."""
_MOST_HITS = 10_000
_FORMAT = 1


@dataclass(frozen=True)
class BytePattern:
    """Bytes of which some may be any.

    Attributes:
        name: of the rule, in letters, digits and _.
        title: what it is of.
        data: the bytes.
        literal: flags of those that are the same in all dumps that it was made of.
        offset, length: where in it what was asked for stands; the rest is around it.
        places: its address in each dump that it was made of; None: not there.
    """

    name: str
    title: str
    data: bytes
    literal: tuple[bool, ...]
    offset: int
    length: int
    places: tuple[int | None, ...]

    @property
    def text(self) -> str:
        """In hexadecimal, ``??`` for bytes that may be any."""
        return " ".join(
            f"{byte:02x}" if known else "??" for byte, known in zip(self.data, self.literal)
        )


@dataclass(frozen=True)
class PatternTrial:
    """Where a pattern is found in a dump.

    Attributes:
        expected: where it was made of, if it was made of this dump; None: it was not.
        found: whether it is found there.
        others: addresses at which it is found besides; of many the first 16.
        more: how many more there are.
        complete: whether all captured memory was searched.
    """

    expected: int | None
    found: bool
    others: tuple[int, ...]
    more: int
    complete: bool


def byte_pattern(
    dumps: Sequence[Dump],
    places: Correspondence,
    dump: int,
    address: int,
    length: int,
    *,
    name: str,
    title: str = "",
    margin: int = 0,
    secret: bool = False,
) -> BytePattern:
    """The pattern of a range in several dumps: bytes that are the same in all of them are literal.

    A byte that a dump has not is not known to be the same. Where it is at one address in all dumps,
    words that point into memory are not literal: they are others the next time.

    Args:
        places: says where the range is in the other dumps.
        dump: number of the one that `address` is of.
        margin: bytes around the range that go into the pattern where they are captured.
        secret: the range's own bytes are never literal.

    Raises:
        PatternError: too few bytes are the same, or the range is too long.
    """
    if not 0 < length + 2 * margin <= LONGEST_PATTERN:
        raise PatternError(f"{name}: expected a range of at most {LONGEST_PATTERN} bytes")
    before, behind = _captured_around(dumps[dump], address, length, margin)
    data = bytes(dumps[dump].memory.read(address - before, before + length + behind))
    literal = [True] * len(data)
    if secret:
        literal[before : before + length] = [False] * length
    found: list[int | None] = []
    for other, target in enumerate(dumps):
        place = places.moved(dump, other, address)
        found.append(place)
        if other == dump:
            continue
        if place is None or place < before:
            found[-1] = None
            continue
        known = _known(target, place - before, len(data))
        if not any(one is not None for one in known[before : before + length]):
            found[-1] = None  # it has nothing there, and says nothing of what is constant
            continue
        literal = [was and known[at] == data[at] for at, was in enumerate(literal)]
    if len({place for place in found if place is not None}) == 1:
        _free_pointers(dumps[dump], address - before, data, literal)
    if sum(literal) < LEAST_LITERAL:
        raise PatternError(
            f"{name}: only {sum(literal)} bytes at {address:#x} are the same in all dumps: "
            f"expected {LEAST_LITERAL} or more; a larger --margin may have them"
        )
    if len({byte for byte, known in zip(data, literal) if known}) == 1:
        raise PatternError(
            f"{name}: the bytes at {address:#x} that are the same in all dumps are all alike, as "
            "in memory that nobody wrote to: a larger --margin may have others"
        )
    low = literal.index(True)
    high = len(literal) - literal[::-1].index(True)
    low, high = min(low, before), max(high, before + length)
    return BytePattern(
        name, title, data[low:high], tuple(literal[low:high]), before - low, length, tuple(found)
    )


def most_in_common(
    np: Any, dumps: Sequence[Dump], places: Correspondence, start: int, end: int
) -> tuple[int, int]:
    """Of a range that is too long for a pattern the address and length of the best part.

    That is the one of 4 KiB with most bytes that are the same in all dumps, and not zero.

    Args:
        np: numpy.
        start, end: of the range in the first dump.

    Raises:
        PatternError: there is no such byte.
    """
    best, found = 0, (start, 0)
    for address, length, state in dumps[0].memory.states(start, end):
        if state != CAPTURED:
            continue
        for at in range(address, address + length, LONGEST_PATTERN):
            size = min(LONGEST_PATTERN, address + length - at)
            data = np.frombuffer(dumps[0].memory.read(at, size).data, np.uint8)
            common = data != 0
            for number, other in enumerate(dumps[1:], 1):
                place = places.moved(0, number, at)
                if place is not None:  # else it says nothing of what is constant
                    there = [-1 if one is None else one for one in _known(other, place, size)]
                    common &= np.array(there, np.int16) == data
            count = int(np.count_nonzero(common))
            if count > best:
                best, found = count, (at, size)
    if not best:
        raise PatternError(
            f"{start:#x}..{end:#x}: no byte of it is captured, the same in all dumps, and not zero"
        )
    return found


def _captured_around(dump: Dump, address: int, length: int, margin: int) -> tuple[int, int]:
    """How many captured bytes are next to a range on both sides."""
    first = max(0, address - margin)
    *_, last = dump.memory.states(first, address) if first < address else [(address, 0, CAPTURED)]
    before = address - last[0] if last[2] == CAPTURED else 0
    end = address + length
    _, size, state = next(dump.memory.states(end, end + margin)) if margin else (end, 0, "")
    return before, size if state == CAPTURED else 0


def _known(dump: Dump, address: int, size: int) -> list[int | None]:
    found: list[int | None] = []
    memory = dump.memory.read(address, size)
    taken = 0
    for _, length, state in memory.runs:
        if state == CAPTURED:
            found += memory.data[taken : taken + length]
            taken += length
        else:
            found += [None] * length
    return found


def _free_pointers(dump: Dump, address: int, data: bytes, literal: list[bool]) -> None:
    ranges = list(dump.memory.ranges())
    order = "little" if dump.schema.byte_order.value == "little" else "big"
    for at in range(-address % 8, len(data) - 7, 8):
        value = int.from_bytes(data[at : at + 8], order)  # type: ignore[arg-type, unused-ignore]
        if any(start <= value < end for start, end in ranges):
            literal[at : at + 8] = [False] * 8


def tried(pattern: BytePattern, dump: Dump, expected: int | None) -> PatternTrial:
    """Look for a pattern in a dump.

    Args:
        expected: where what was asked for stands in it; None: it was not made of this dump.
    """
    told = Searched()
    wanted = hex_pattern(pattern.text)
    first: list[int] = []
    found, count = _stands_at(pattern, dump, expected), 0
    for hit in search(dump.memory, Locations(dump), [wanted], searched=told):
        address = hit.address + pattern.offset
        if address == expected:
            continue
        count += 1
        if len(first) < 16:
            first.append(address)
        if count == _MOST_HITS:
            break
    whole = not told.failed and count < _MOST_HITS
    return PatternTrial(expected, found, tuple(first), count - len(first), whole)


def _stands_at(pattern: BytePattern, dump: Dump, place: int | None) -> bool:
    """Whether it is where it should be: there it is looked for however often it is elsewhere."""
    if place is None or place < pattern.offset:
        return False
    known = _known(dump, place - pattern.offset, len(pattern.data))
    return all(
        one is not None and (one == byte or not literal)
        for one, byte, literal in zip(known, pattern.data, pattern.literal)
    )


# --- as others read them -------------------------------------------------------------------------


def yara_rules(patterns: Iterable[BytePattern]) -> str:
    """Rules for YARA, one for each pattern."""
    parts = []
    for one in patterns:
        parts.append(
            f"rule {one.name} {{\n"
            f"  meta:\n"
            f"    description = {_quoted(one.title)}\n"
            f"    offset = {one.offset}\n"
            f"    length = {one.length}\n"
            f"  strings:\n"
            f"    $bytes = {{ {_trimmed(one.text)} }}\n"
            f"  condition:\n"
            f"    $bytes\n"
            f"}}\n"
        )
    return "\n".join(parts)


def _trimmed(text: str) -> str:
    """Without bytes that may be any at the end, which mean nothing to YARA."""
    while text.endswith(" ??"):
        text = text[:-3]
    return text


def _quoted(text: str) -> str:
    kept = "".join(one if one.isascii() and one.isprintable() else "?" for one in text)
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'


def json_signatures(patterns: Iterable[BytePattern]) -> str:
    """The patterns as JSON: bytes and mask in hexadecimal, ``ff`` where a byte is literal."""
    rows: list[dict[str, Any]] = []
    for one in patterns:
        rows.append(
            {
                "name": one.name,
                "title": one.title,
                "bytes": bytes(
                    byte if known else 0 for byte, known in zip(one.data, one.literal)
                ).hex(),
                "mask": bytes(255 if known else 0 for known in one.literal).hex(),
                "pattern": one.text,
                "offset": one.offset,
                "length": one.length,
            }
        )
    return json.dumps({"msl_signatures": _FORMAT, "signatures": rows}, indent=2) + "\n"


_PLUGIN = '''"""Patterns of {count} places in memory, made by msl candidates; for Volatility 3."""

import re

from volatility3.framework import interfaces, renderers
from volatility3.framework.configuration import requirements
from volatility3.framework.layers import scanners
from volatility3.framework.renderers import format_hints

PATTERNS = {patterns}
"""Name, bytes in hexadecimal with ?? for any, offset and length of what is looked for."""


class Candidates(interfaces.plugins.PluginInterface):
    """Looks for the patterns in a layer."""

    _required_framework_version = (2, 0, 0)
    _version = (1, 0, 0)

    @classmethod
    def get_requirements(cls):
        return [
            requirements.TranslationLayerRequirement(
                name="primary", description="What is looked into", architectures=None
            )
        ]

    def _rows(self):
        layer = self.context.layers[self.config["primary"]]
        for name, text, offset, length in PATTERNS:
            parts = [b"." if one == "??" else re.escape(bytes.fromhex(one)) for one in text.split()]
            wanted = scanners.RegExScanner(b"(?s)" + b"".join(parts))
            for address in layer.scan(context=self.context, scanner=wanted):
                yield 0, (format_hints.Hex(address + offset), length, name)

    def run(self):
        columns = [("Offset", format_hints.Hex), ("Length", int), ("Pattern", str)]
        return renderers.TreeGrid(columns, self._rows())
'''


def volatility_plugin(patterns: Sequence[BytePattern]) -> str:
    """A plugin for Volatility 3 that looks for the patterns."""
    rows = [
        f"    ({one.name!r}, {_trimmed(one.text)!r}, {one.offset}, {one.length}),\n"
        for one in patterns
    ]
    return _PLUGIN.format(count=len(rows), patterns="[\n" + "".join(rows) + "]")
