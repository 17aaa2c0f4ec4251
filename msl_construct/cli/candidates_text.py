"""What ``msl candidates`` prints."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from .common import data_out, text_out
from .hit_rows import place_json
from .text import Style, as_json, binary_size, folded, many, printable

if TYPE_CHECKING:
    from ..analysis.candidates import (
        BytePattern,
        CandidateSearch,
        FoundCandidate,
        InferredStructure,
        PatternTrial,
    )

__all__ = ["print_candidates"]

_LISTED = 40
"""Candidates for people, unless --full."""
_STRUCTURES = 12
_INDENT = 11
"""Columns in front of what goes on of a line."""


def print_candidates(
    dumps: tuple[str, ...],
    found: CandidateSearch,
    structures: list[tuple[str, InferredStructure]] | None,
    tries: list[tuple[BytePattern, list[tuple[str, PatternTrial]]]] | None,
    form: str,
    full: bool,
    style: Style,
) -> None:
    """All of it.

    Args:
        structures: with the dump that each is in; None: they were not asked for.
        tries: patterns that were made, each with the dumps that it was tried on; None: none were.
        form: ``json``, ``ndjson`` or ``text``.
        full: list everything, also for people.
        style: for people.
    """
    if form == "text":
        lines = [_found_lines(dumps, found, None if full else _LISTED, style)]
        if structures is not None:
            lines.append(_structure_lines(structures, None if full else _STRUCTURES))
        lines += [_tried_lines(pattern, results) for pattern, results in tries or ()]
        with text_out() as out:
            for line in chain.from_iterable(lines):
                out.writelines(f"{part}\n" for part in folded(line, style.columns, _INDENT))
        return
    with data_out() as out:
        whole: dict[str, object] = {
            "dumps": list(dumps),
            "classes": found.classes,
            "coverage": [
                {
                    "captured": one.captured,
                    "unknown": one.unknown,
                    "compared": one.compared,
                    "align": one.alignment,
                }
                for one in found.coverage
            ],
            "more": found.more,
            "gaps": found.gaps,
            "limits": found.limits,
        }
        if structures is not None:
            whole["structures"] = [_structure_row(path, one) for path, one in structures]
        if tries is not None:
            whole["patterns"] = [_pattern_row(pattern, results) for pattern, results in tries]
        rows = [_row(dumps, one) for one in found.candidates]
        if form == "json":
            out.write(as_json({**whole, "candidates": rows}, indent=2) + "\n")
            return
        for row in rows:
            out.write(as_json(row) + "\n")
        out.write(as_json(whole) + "\n")


def _row(dumps: tuple[str, ...], one: FoundCandidate) -> dict[str, object]:
    return {
        "dump": dumps[one.dump],
        "address": f"{one.address:#x}",
        "length": one.length,
        "shape": one.shape,
        "score": one.score,
        "parts": one.parts,
        "facts": one.facts,
        "checked": one.checked,
        **place_json(one.location),
        "chunk": None
        if one.chunk is None
        else {
            "address": f"{one.chunk.address:#x}",
            "size": one.chunk.size,
            "allocator": one.chunk.allocator,
        },
        "pointed_from": [f"{address:#x}" for address in one.pointed_from],
        "addresses_in_other_dumps": [
            None if address is None else f"{address:#x}"
            for number, address in enumerate(one.elsewhere)
            if number != one.dump
        ],
    }


def _found_lines(
    dumps: tuple[str, ...], found: CandidateSearch, most: int | None, style: Style
) -> Iterator[str]:
    total = sum(found.classes.values()) or 1
    yield f"bytes of {printable(dumps[0])} by class"
    for name, size in found.classes.items():
        yield f"  {name:<16} {binary_size(size):>12}  {100 * size / total:5.1f} %"
    for path, one in zip(dumps, found.coverage):
        holes = "".join(f", {binary_size(size)} {state}" for state, size in one.unknown.items())
        line = f"  {printable(path)}: {binary_size(one.captured)} captured{holes}"
        if one.alignment is not None:
            line += f"; {binary_size(one.compared)} compared by {one.alignment}"
        yield line
    yield f"{many(len(found.candidates), 'candidate')}"
    for candidate in found.candidates[:most]:
        yield from _candidate_lines(dumps, candidate, style)
    if most is not None and len(found.candidates) > most:
        yield f"  and {len(found.candidates) - most} more: --full lists them"


def _candidate_lines(dumps: tuple[str, ...], one: FoundCandidate, style: Style) -> Iterator[str]:
    place, module = one.location.region, one.location.module
    where = "-"
    if module is not None:
        where = f"{os.path.basename(module.path)}+{module.offset:#x}"
    elif place is not None:
        where = f"{place.name or f'[{place.region_type}]'}+{one.address - place.base_addr:#x}"
    inside = f" of {printable(dumps[one.dump])}" if len(dumps) > 1 else ""
    yield (
        f"{style.paint(f'{one.score:.3f}', bold=True)}  {one.address:#018x}  "
        f"{one.length:>5} bytes  "
        f"{style.paint(one.shape, fg='green' if one.checked else 'yellow')}  "
        f"{style.paint(printable(where), fg='cyan')}{inside}"
    )
    points = " + ".join(f"{name} {value:g}" for name, value in one.parts.items() if value)
    yield f"         = {points}"
    facts = "; ".join(f"{key} {value}" for key, value in one.facts.items())
    if one.chunk is not None:
        facts += f"; chunk of {one.chunk.size} bytes at {one.chunk.address:#x}"
    if one.pointed_from:
        facts += f"; pointed to from {', '.join(f'{at:#x}' for at in one.pointed_from[:4])}"
    yield f"         {printable(facts)}"
    others = [at for number, at in enumerate(one.elsewhere) if number != one.dump]
    if any(at is not None for at in others):
        told = ", ".join("-" if at is None else f"{at:#x}" for at in others)
        yield f"         in the other dumps at {told}"


def _structure_row(path: str, one: InferredStructure) -> dict[str, object]:
    return {
        "dump": path,
        "kind": one.kind,
        "size": one.size,
        "instances": one.instances,
        "confidence": one.confidence,
        "fields": [
            {"offset": field.offset, "kind": field.kind, "share": field.share}
            for field in one.fields
        ],
        "addresses": [f"{address:#x}" for address in one.addresses],
    }


def _pattern_row(
    pattern: BytePattern, results: list[tuple[str, PatternTrial]]
) -> dict[str, object]:
    return {
        "name": pattern.name,
        "pattern": pattern.text,
        "offset": pattern.offset,
        "length": pattern.length,
        "literal_bytes": sum(pattern.literal),
        "tried": [
            {
                "dump": path,
                "expected": None if one.expected is None else f"{one.expected:#x}",
                "found": one.found,
                "others": [f"{address:#x}" for address in one.others],
                "more": one.more,
                "complete": one.complete,
            }
            for path, one in results
        ],
    }


def _structure_lines(
    structures: list[tuple[str, InferredStructure]], most: int | None
) -> Iterator[str]:
    yield f"{many(len(structures), 'structure')} that nobody has described"
    for path, one in structures[:most]:
        yield (
            f"{one.confidence:.3f}  {one.kind} of {one.instances} records of {one.size} bytes, "
            f"as at {one.addresses[0]:#x} of {printable(path)}"
        )
        for field in one.fields:
            yield f"         +{field.offset:#06x}  {field.kind:<12} {field.share:6.0%}"
    if most is not None and len(structures) > most:
        yield f"  and {len(structures) - most} more: --full lists them"


def _tried_lines(pattern: BytePattern, results: list[tuple[str, PatternTrial]]) -> Iterator[str]:
    size = many(len(pattern.data), "byte")
    yield f"pattern {pattern.name}: {size}, {sum(pattern.literal)} of them literal"
    for path, one in results:
        place = "made of others"
        if one.expected is not None:
            place = f"{'found' if one.found else 'NOT found'} at {one.expected:#x}"
        others = len(one.others) + one.more
        rest = "" if one.complete else ", and not all of it was searched"
        yield f"         {printable(path)}: {place}, {many(others, 'other hit')}{rest}"
