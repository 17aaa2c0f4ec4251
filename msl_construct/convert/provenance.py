"""What an Import Provenance says of a source: its hash, what nobody knows, what is kept aside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from ..errors import LimitError
from ..hashing import threaded_hasher
from ..source import Source
from .faults import Faults
from .process import CapturedProcess, ProcessException, ProcessHandle, ProcessModule
from .region_plan import Edge, planned

__all__ = [
    "IMPORTER",
    "clean_text",
    "debug_records",
    "handle_code",
    "kept_edges",
    "left_out",
    "noted",
    "noted_exception",
    "provenance_note",
    "tell_cut",
    "usable_handles",
    "without_memory",
    "without_texts",
]

IMPORTER = "msl-construct"
"""What the tool's name of an Import Provenance begins with that was made here."""

_MOST_EDGES = 8 << 20
_MOST_TOLD = 64
_MOST_HANDLES_TOLD = 4096
_LONGEST_PATH = 65_000
_LONGEST_VECTOR = 4096
_HANDLE_CODES = {"File": 1, "Directory": 2, "Socket": 3, "Pipe": 4}
"""HandleType, as far as the producers agree about it."""
_PLAIN_FILES = {"File": 1}
"""The same of Windows, where a directory is one of names of objects."""
_LARGEST = 1 << 32
_EDGE = "edge"
_RECORDS = "codeview"
_TOLD_TEXT = re.compile(rf"(?:(?<=^)|(?<=; ))(annotations|comment|{_RECORDS})=([^;]*)")
"""What the program, or who wrote the source, put into it: anything, a command line too."""
_TOLD_EDGE = re.compile(rf"\b{_EDGE}=(0x[0-9a-f]+):([0-9a-f]+)")
_KEPT_EDGE = re.compile(rf"{_EDGE}=(0x[0-9a-f]{{1,16}}):([0-9a-f]+)")
_WORD = "(0x[0-9a-f]{1,16})"
_EXCEPTION = re.compile(
    f"{_WORD}(?: at {_WORD})? in thread ([0-9]{{1,20}})(?:, flags {_WORD})?"
    "(?:, parameters((?: 0x[0-9a-f]{1,16}){1,15}))?"
)
_LARGEST_CODE = 0xFFFFFFFF
_LEFT_OUT = ("_left_out", "_lacking")
"""How keys end under which a note has what was left out."""


def clean_text(text: str) -> str:
    """What a field can hold: no NUL, no half of a character, and not too long."""
    return _stored(text)[:_LONGEST_PATH].decode("utf-8", "ignore")


def _stored(text: str) -> bytes:
    return text.replace("\0", "").encode("utf-8", "backslashreplace")


def tell_cut(
    process: CapturedProcess,
    modules: Iterable[ProcessModule],
    handles: Iterable[ProcessHandle],
    lines: Faults,
) -> None:
    """Say which texts are longer than a field can hold.

    Args:
        modules, handles: those that are written.
        lines: takes a line for each.
    """
    texts = [("path of the program", process.exe_path), ("command line", process.command_line)]
    texts += [(f"path of the module at {one.base:#x}", one.path) for one in modules]
    texts += [(f"name of handle {one.number:#x}", one.name) for one in handles]
    texts += [(f"name of the mapping at {one.start:#x}", one.name) for one in process.mappings]
    for what, text in texts:
        _tell_if_cut(what, text, lines)


def _tell_if_cut(what: str, text: str, lines: Faults) -> None:
    # No character has more than four bytes, or ten where it stands for what is none.
    if 10 * len(text) > _LONGEST_PATH and (size := len(_stored(text))) > _LONGEST_PATH:
        lines.append(f"{what}: {size} bytes: the first {_LONGEST_PATH} of them are kept")


def usable_handles(handles: Sequence[ProcessHandle], lines: Faults) -> list[ProcessHandle]:
    """Those that a Handle Table has room for.

    Args:
        lines: takes the others.
    """
    found = []
    for one in handles:
        if one.number >= _LARGEST:
            lines.append(f"handle {one.number:#x} ({one.kind}): expected less than {_LARGEST:#x}")
        else:
            found.append(one)
    return found


def handle_code(kind: str, os_type: str) -> int:
    """HandleType; 0 of a kind that has no number there: the note names it."""
    return (_PLAIN_FILES if os_type == "windows" else _HANDLE_CODES).get(kind, 0)


def noted(note: str) -> Mapping[str, str]:
    """What a note that was made here says, by its keys."""
    parts = (part.partition("=") for part in note.split("; "))
    return {key: value for key, between, value in parts if between}


def without_memory(note: str) -> str:
    """A note without the bytes of memory in it: how many they are stands in their place."""
    return _TOLD_EDGE.sub(lambda found: f"{_EDGE}={found[1]}:({len(found[2]) // 2} bytes)", note)


def without_texts(note: str) -> str:
    """A note without what anybody may have written into the source: how long that is instead."""
    return _TOLD_TEXT.sub(lambda found: f"{found[1]}=({len(found[2])} characters)", note)


def provenance_note(
    process: CapturedProcess,
    modules: Iterable[ProcessModule],
    source: Source,
    name: str,
    lines: Faults,
) -> tuple[str, int]:
    """The note, and how many pieces of pages are in it that the source does not hold whole.

    Args:
        modules: those of the process that are written.
        name: what the source is called.
        lines: what is wrong with it.

    Raises:
        LimitError: they are more bytes than a note should have.
    """
    hasher = threaded_hasher()
    for piece in source.pieces(0, source.size or 0):
        hasher.update(piece)
    parts = {
        "source": name,
        "blake3": hasher.digest().hex(),
        "unknown": " ".join(_unknown(process)),
        "signal": str(process.signal or ""),
        **{key: str(value) for key, value in process.identity.items()},
        **_handle_kinds(process),
        **_debug_records(modules),
        "exception": _told_exception(process.exception),
        **process.remarks,
    }
    if len(process.auxiliary) <= _LONGEST_VECTOR:
        parts["auxiliary"] = process.auxiliary.hex()
    for key, value in parts.items():
        _tell_if_cut(f"note: {key}", value, lines)
    told = [f"{key}={_plain(value)}" for key, value in parts.items() if value]
    told += [f"fault={_plain(line)}" for line in lines[:_MOST_TOLD]]
    more = len(lines) - _MOST_TOLD + lines.more
    told += [f"faults_more={more}"] if len(lines) > _MOST_TOLD else []
    kept = list(_edges(process))
    told += [f"{_EDGE}={edge.address:#x}:{data.hex()}" for edge, data in kept]
    return "; ".join(told), len(kept)


def _told_exception(found: ProcessException | None) -> str:
    if found is None:
        return ""
    told = f"{found.code:#x}"
    told += "" if found.address is None else f" at {found.address:#x}"
    told += f" in thread {found.thread_id}"
    told += f", flags {found.flags:#x}" if found.flags else ""
    numbers = "".join(f" {one:#x}" for one in found.parameters)
    return told + (f", parameters{numbers}" if numbers else "")


def noted_exception(note: Mapping[str, str]) -> ProcessException | None:
    """What a note says that a thread was stopped by; None: nothing that was written here."""
    found = _EXCEPTION.fullmatch(note.get("exception", ""))
    if found is None:
        return None
    code, address, thread, flags, parameters = found.groups("")
    numbers = int(code, 16), int(flags or "0", 16)
    if max(numbers) > _LARGEST_CODE:
        return None
    return ProcessException(
        int(thread),
        *numbers,
        int(address, 16) if address else None,
        tuple(int(one, 16) for one in parameters.split()),
    )


def left_out(note: str) -> Iterator[str]:
    """What of a source an import has no place for, as its note tells it; a line each."""
    for key, value in noted(note).items():
        if key.endswith(_LEFT_OUT):
            what, _, how = key.rpartition("_")
            words = "left out" if how == "out" else "not in the source"
            yield f"{what.removesuffix('_left').replace('_', ' ')} {words}: {value}"


def kept_edges(note: str) -> Iterator[tuple[int, bytes]]:
    """Bytes of memory that a note has, with their addresses."""
    for part in note.split("; "):
        found = _KEPT_EDGE.fullmatch(part)
        if found is not None and len(found[2]) % 2 == 0:
            yield int(found[1], 16), bytes.fromhex(found[2])


def _plain(text: str) -> str:
    """A text in which the semicolons mean nothing."""
    return clean_text(text).replace(";", ",").replace("\n", " ")


def _unknown(process: CapturedProcess) -> Iterator[str]:
    """What is 0 or empty in the dump because nobody knows it."""
    for name, value in (
        ("pid", process.pid),
        ("ppid", process.ppid),
        ("session_id", process.session_id),
        ("start_time", process.start_time),
        ("timestamp", process.timestamp),
        ("exe_path", process.exe_path),
        ("cmd_line", process.command_line),
    ):
        if not value:
            yield name
    if process.threads and not any(one.start_time for one in process.threads):
        yield "thread_start_time"
    stretches = bare = 0
    for one in process.stretches():
        stretches += 1
        bare += not one.rights_known
    if bare:
        yield "protection" if bare == stretches else f"protection*{bare}"


def _handle_kinds(process: CapturedProcess) -> Mapping[str, str]:
    """What handles are for which HandleType has no number."""
    kinds: dict[str, list[str]] = {}
    count = 0
    for one in process.handles:
        if one.kind and not handle_code(one.kind, process.os_type):
            count += 1
            if count <= _MOST_HANDLES_TOLD:
                kinds.setdefault(one.kind, []).append(f"{one.number:#x}")
    told = [f"{kind}: {' '.join(numbers)}" for kind, numbers in kinds.items()]
    if count > _MOST_HANDLES_TOLD:
        told.append(f"and {count - _MOST_HANDLES_TOLD} more")
    return {"handle_types": ", ".join(told)}


def _debug_records(modules: Iterable[ProcessModule]) -> Mapping[str, str]:
    """Their CodeView records, for which a Module Entry has no field."""
    told = [f"{one.base:#x}:{one.debug_record.hex()}" for one in modules if one.debug_record]
    return {_RECORDS: " ".join(told)}


def debug_records(note: Mapping[str, str]) -> Mapping[int, bytes]:
    """The CodeView records that a note has, by the base of their modules."""
    found: dict[int, bytes] = {}
    for base, _, record in (part.partition(":") for part in note.get(_RECORDS, "").split()):
        with suppress(ValueError):
            found.setdefault(int(base, 16), bytes.fromhex(record))
    return found


def _edges(process: CapturedProcess) -> Iterator[tuple[Edge, bytes]]:
    total = 0
    for region in planned(process):
        for edge in region.edges:
            total += edge.length
            if total > _MOST_EDGES:
                raise LimitError(
                    f"more than {_MOST_EDGES} bytes are of pages that the source does not hold "
                    "whole: expected memory in pages"
                )
            yield edge, bytes(process.space.read(edge.address, edge.length))
