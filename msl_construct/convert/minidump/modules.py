"""The images of a minidump: those loaded, with their CodeView records, and those no longer."""

from __future__ import annotations

from collections.abc import Iterator

from ..process import ProcessModule
from . import streams as kinds
from .streams import Streams
from .structures import MODULE, UNLOADED_MODULE, MinidumpModule

__all__ = ["modules_of", "tell_unloaded"]

_VERSION = 0xFEEF04BD
_MOST_TOLD = 64
_LONGEST_RECORD = 4096
_MOST_OF_RECORDS = 1 << 20
"""Bytes of a CodeView record, and of all of them, that the note takes."""


def modules_of(streams: Streams, remarks: dict[str, str]) -> list[ProcessModule]:
    """The images that were loaded.

    Args:
        remarks: takes which of their records are left out.
    """
    records = _DebugRecords(streams)
    found = [_module(streams, row, records) for row in streams.rows(kinds.MODULES, MODULE)]
    remarks.update(records.remarks())
    return found


class _DebugRecords:
    """The CodeView records of modules, as many as a note has room for."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._left = _MOST_OF_RECORDS
        self._left_out = self._older = 0

    def of(self, row: MinidumpModule) -> bytes:
        """The record of a module; empty where it has none, or it is left out."""
        self._older += bool(row.misc_size)
        size = row.debug_size
        if not size:
            return b""
        held = self._streams.held
        if not held.has(row.debug_offset, size):
            self._streams.faults.append(
                f"module at {row.base:#x}: its CodeView record at {row.debug_offset:#x}: {size} "
                "bytes that are not there"
            )
            return b""
        if size > min(_LONGEST_RECORD, self._left):
            self._left_out += 1
            return b""
        self._left -= size
        return held.source.read(row.debug_offset, size)

    def remarks(self) -> Iterator[tuple[str, str]]:
        """What is left out."""
        if self._left_out:
            yield "codeview_left_out", f"of {self._left_out} modules"
        if self._older:
            yield "misc_records_left_out", f"of {self._older} modules"


def _module(streams: Streams, row: MinidumpModule, records: _DebugRecords) -> ProcessModule:
    version = ""
    if row.version_signature == _VERSION:
        high, low = row.file_version_high, row.file_version_low
        version = f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
    return ProcessModule(
        row.base,
        row.size,
        streams.text(row.name, f"module at {row.base:#x}"),
        version,
        debug_record=records.of(row),
    )


def tell_unloaded(streams: Streams, remarks: dict[str, str]) -> None:
    """Name the images that were there before, and are no longer."""
    rows = streams.spare(lambda: streams.sized_rows(kinds.UNLOADED, UNLOADED_MODULE, "I"))
    told = [
        f"{streams.text(row.name, 'unloaded module')}@{row.base:#x}+{row.size:#x}"
        for row in rows[:_MOST_TOLD]
    ]
    if len(rows) > _MOST_TOLD:
        told.append(f"and {len(rows) - _MOST_TOLD} more")
    if told:
        remarks["unloaded_modules"] = ", ".join(told)
