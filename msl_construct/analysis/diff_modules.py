"""Modules and mapped files in two dumps: loaded, unloaded, moved, and others under one name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..document.tables import table_rows
from ..errors import MslError
from ..reader.dump import Dump
from .aligning import numbered

if TYPE_CHECKING:
    from ..records import ModuleEntry

__all__ = ["module_differences"]

_HEAD = 1024
"""Bytes at the beginning of an image that are compared: its headers."""
_DELETED = " (deleted)"
_MAPS_LINE = re.compile(rb"[0-9a-f]+-[0-9a-f]+ \S+ \S+ (\S+) (\d+)")
"""Of /proc/PID/maps: device and inode."""


def module_differences(a: Dump, b: Dump, *, listed: bool = True) -> dict[str, list[dict[str, Any]]]:
    """Rows ``added``, ``removed``, ``moved`` and ``replaced``.

    A file is another one under the same path if a hash of it, its build-id, its inode or the
    headers in memory are others; ``by`` says which. So is one that has been deleted since.

    Args:
        a, b: the earlier and the later.
        listed: whether modules are compared; else mapped files alone.
    """
    found: dict[str, list[dict[str, Any]]] = {
        key: [] for key in ("added", "removed", "moved", "replaced")
    }
    before, after = (_by_path(a), _by_path(b)) if listed else ({}, {})
    ids = _build_ids(a), _build_ids(b)
    for key_of in sorted({*before, *after}):
        base, other, path = before.get(key_of), after.get(key_of), key_of[0]
        if base is None or other is None:
            one = base or other
            assert one is not None
            key = "added" if base is None else "removed"
            found[key].append({"path": path, "base_addr": f"{one['base_addr']:#x}"})
            continue
        row = {
            "path": path,
            "base_addr": f"{base['base_addr']:#x}",
            "other_base_addr": f"{other['base_addr']:#x}",
        }
        if base["base_addr"] != other["base_addr"]:
            found["moved"].append(row)
        by = [name for name, one, two in _evidence(a, b, base, other, ids) if one != two]
        if by:
            found["replaced"].append({**row, "by": by})
    found["replaced"] += _deleted(a, b)
    return found


def _by_path(dump: Dump) -> dict[tuple[str, int], ModuleEntry]:
    """Modules by path; one that is there twice is told apart by its number."""
    return numbered(
        (one["path"], one) for one in dump.modules if one.get("path") and "base_addr" in one
    )


def _evidence(
    a: Dump, b: Dump, one: ModuleEntry, two: ModuleEntry, ids: tuple[dict[int, str], dict[int, str]]
) -> Iterator[tuple[str, object, object]]:
    """What both dumps know of a file, by name."""
    facts: tuple[tuple[str, object, object], ...] = (
        ("disk_hash", _known(one.get("disk_hash")), _known(two.get("disk_hash"))),
        ("build_id", ids[0].get(one["base_addr"]), ids[1].get(two["base_addr"])),
        ("inode", _inode(one), _inode(two)),
        ("headers", _head(a, one["base_addr"]), _head(b, two["base_addr"])),
    )
    for name, before, after in facts:
        if before is not None and after is not None:
            yield name, before, after


def _known(digest: bytes | None) -> bytes | None:
    """A hash, unless it is zeros: nothing was hashed."""
    return digest if digest and any(digest) else None


def _inode(module: ModuleEntry) -> bytes | None:
    found = _MAPS_LINE.match(bytes(module.get("native_blob") or b""))
    return found[0].split(b" ", 3)[3] if found and int(found[2]) else None


def _head(dump: Dump, base: int) -> bytes | None:
    """The headers of an image that nobody writes to; None: not captured, or writable."""
    region = dump.memory.region_at(base)
    if region is None or "write" in region.protection:
        return None
    try:
        memory = dump.memory.read(base, _HEAD)
    except MslError:
        return None
    head = bytes(memory.data) if memory.complete else b""
    return head if head.startswith(b"\x7fELF") else None  # those of PE are relocated


def _build_ids(dump: Dump) -> dict[int, str]:
    found: dict[int, str] = {}
    for row in table_rows(dump, "build_ids"):
        base, text = row.get("base_addr"), row.get("build_id")
        if base and text:
            found.setdefault(int(str(base), 0), str(text))
    return found


def _deleted(a: Dump, b: Dump) -> Iterator[dict[str, Any]]:
    """Mapped files whose name says since then that they have been deleted."""
    before, after = _mappings(a), _mappings(b)
    for path, base in sorted(before.items()):
        if f"{path}{_DELETED}" in after and f"{path}{_DELETED}" not in before:
            yield {
                "path": path,
                "base_addr": base,
                "other_base_addr": after[f"{path}{_DELETED}"],
                "by": ["deleted"],
            }


def _mappings(dump: Dump) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in table_rows(dump, "mappings"):
        if row["mapped_path"]:
            found.setdefault(str(row["mapped_path"]), str(row["base_addr"]))
    return found
