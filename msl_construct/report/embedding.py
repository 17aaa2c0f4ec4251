"""What the page's script reads: the values of a report as JSON, long columns packed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..characters import escape_for_people
from ..document.state_words import state_in_words
from .columns import packed, packed_bytes, zigzag
from .model import DumpComparison, DumpReport, EntropySample, MemoryColumns, ShownBlock, TableRows
from .redaction import Redaction

__all__ = ["VERSION", "embedded", "embedded_json"]

VERSION = 1
"""Of the form of the embedded data."""


def embedded(
    dumps: Sequence[DumpReport], comparisons: Sequence[DumpComparison], redaction: Redaction
) -> dict[str, Any]:
    """The values."""
    return {
        "report": VERSION,
        "redacted": redaction.hidden,
        "dumps": [_dump(one) for one in dumps],
        "comparisons": [_comparison(one) for one in comparisons],
    }


def embedded_json(value: object) -> str:
    """JSON that may stand in a script element; no text of it has a character that can't be seen."""
    text = json.dumps(_visible(value), separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and value.isprintable() else escape_for_people(value)
    if isinstance(value, dict):
        return {_visible(key): _visible(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_visible(inner) for inner in value]
    return value if value is None or isinstance(value, (int, float)) else _visible(str(value))


def _dump(found: DumpReport) -> dict[str, Any]:
    checked, acquisition = found.checked, found.acquisition
    tables = [*found.tables, *(acquisition.tables if acquisition else ())]
    verify: dict[str, Any] | None = None
    if found.verdict is not None:
        verify = found.verdict.as_json()
        if acquisition is not None:
            verify["report"] = {
                "file": acquisition.file,
                "agrees": acquisition.tie.agrees,
                "findings": [one.as_json() for one in acquisition.tie.findings],
                "gaps": [one.as_json() for one in acquisition.tie.gaps],
            }
        vouching = found.vouching
        verify |= vouching.as_json() if vouching else {"signed": None, "dated": None}
    return {
        "file": {
            "name": found.name,
            "size": found.size,
            "blake3": found.blake3,
            "sha256": found.sha256,
        },
        "format": found.format,
        "header": found.header,
        "locked": found.locked or None,
        "verify": verify,
        "check": checked
        and {
            "draft": checked.draft,
            "rules": checked.rules,
            "counted": checked.counted,
            "counts": {one.id: one.count for one in checked.broken if not one.explained_by},
            "gaps": checked.gaps,
        },
        "answers": {one.question: [one.level, one.word] for one in found.answers},
        "suspicions": [[one.level, one.title] for one in found.suspicions],
        "tables": {one.name: _table(one) for one in tables},
        "environment": _environment(found),
        "memory": _memory(found.memory),
        "entropy": _entropy(found.entropy),
        "blocks": [_block(one) for one in found.blocks],
        "blocks_left_out": list(found.blocks_left_out.items()),
        "memory_blocks": found.memory.blocks,
    }


def _environment(found: DumpReport) -> list[tuple[str, str]] | None:
    if found.environment is not None or found.acquisition is None:
        return found.environment
    return found.acquisition.environment


def _table(table: TableRows) -> dict[str, Any]:
    used = [
        place
        for place, _ in enumerate(table.columns)
        if any(row[place] not in (None, "", []) for row in table.rows)
    ]
    return {
        "columns": [table.columns[place] for place in used],
        "rows": [[_cell(row[place]) for place in used] for row in table.rows],
        "left_out": table.left_out,
    }


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > (1 << 53):
        return str(value)  # a script has no such number
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def _memory(memory: MemoryColumns) -> dict[str, Any]:
    return {
        "regions": memory.regions,
        "count": len(memory.bases),
        "left_out": memory.left_out,
        "coarse": memory.coarse,
        "states": memory.states,
        "state_words": [state_in_words(state).short for state in memory.states],
        "texts": memory.texts,
        "totals": {state: str(size) for state, size in memory.totals.items()},
        "gap": packed(zigzag(_gaps(memory))),
        "size": packed(memory.sizes),
        "page_size": packed(memory.page_sizes),
        "rights": packed(memory.rights),
        "type": packed(memory.types),
        "name": packed(memory.names),
        "marks": packed(memory.marks),
        "counts": {state: packed(counts) for state, counts in memory.counts.items()},
        "run_counts": packed(memory.run_counts),
        "runs": packed(
            [pages << 4 | state for pages, state in zip(memory.run_pages, memory.run_states)]
        ),
    }


def _gaps(memory: MemoryColumns) -> Iterator[int]:
    """From the end of each region to the beginning of the next."""
    end = 0
    for base, size in zip(memory.bases, memory.sizes):
        yield base - end
        end = base + size


def _entropy(entropy: EntropySample) -> dict[str, Any]:
    return {
        "count": len(entropy.values),
        "captured": entropy.captured,
        "unread": entropy.unread,
        "region": packed(_steps(entropy.regions)),
        "page": packed(entropy.pages),
        "value": packed_bytes(bytes(entropy.values)),
    }


def _steps(values: Iterable[int]) -> list[int]:
    found, before = [], 0
    for value in values:
        found.append(value - before)
        before = value
    return found


def _block(block: ShownBlock) -> dict[str, Any]:
    return {
        "index": block.index,
        "type": block.kind,
        "offset": f"{block.offset:#x}",
        "compressed": block.compressed,
        "data": packed_bytes(block.data),
        "fields": [
            [one.path, one.start, one.length, one.text, int(one.redacted)] for one in block.fields
        ],
    }


def _comparison(found: DumpComparison) -> dict[str, Any]:
    difference = found.difference
    pages = difference.pages
    return {
        "a": found.a,
        "b": found.b,
        "align": difference.alignment,
        "differ": bool(difference),
        "pages": {
            "same": pages.same,
            "changed": pages.changed,
            "rebased": pages.rebased,
            "unknown": pages.unknown,
            "only_a": pages.only_a,
            "only_b": pages.only_b,
        },
        "regions": {key: len(pairs) for key, pairs in difference.regions.items()},
        "changes": [
            [f"{address:#x}", size, where, int(rebased)]
            for address, size, where, rebased in found.changes
        ],
        "changes_left_out": len(difference.changes) - len(found.changes) + difference.more_changes,
        "rows": found.rows,
        "rows_left_out": found.rows_left_out,
        "gaps": found.gaps,
    }
