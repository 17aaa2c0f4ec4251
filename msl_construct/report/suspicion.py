"""What somebody should look at: of the file, and of the process that was captured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..analysis import Locations
from ..characters import escape_for_people
from ..reader.dump import Dump
from ..words import binary_size, many
from .model import DumpReport, MemoryColumns, Suspicion, TableRows

__all__ = ["suspicions_of"]

_FEW = 6
_LOADED_FIRST = ("LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES")
_ANYBODYS = ("/tmp/", "/var/tmp/", "/dev/shm/", "/memfd:", "memfd:")
"""Places where anybody may put a program, and none that a disk has."""
_DELETED = " (deleted)"
_WRITTEN, _NO_FILE = 1, 2
"""Marks of regions."""


def suspicions_of(found: DumpReport, dump: Dump) -> Iterator[Suspicion]:
    """All of it, the worst first.

    Args:
        found: what is known of the dump so far.
    """
    yield from _of_the_file(found)
    yield from _of_regions(found)
    if found.locked:
        return
    yield from _of_paths(found)
    yield from _of_threads(found, dump)
    yield from _of_environment(found)
    if found.acquisition is not None:
        yield from found.acquisition.suspicions
    yield from _of_names(found)


def _of_the_file(found: DumpReport) -> Iterator[Suspicion]:
    for title, text, findings in (
        (
            "The bytes are not what was written",
            "A hash or a count in the file does not agree with its bytes.",
            found.verdict.findings if found.verdict else [],
        ),
        (
            "The acquisition's report does not fit the file",
            "What it says of the dump is not what the dump is.",
            found.acquisition.tie.findings if found.acquisition else [],
        ),
        (
            "The signature or the time stamp does not hold",
            "It is of something else, or of nobody who may sign.",
            found.vouching.findings if found.vouching else [],
        ),
    ):
        if findings:
            yield _suspicion("bad", title, text, [one.text for one in findings])


def _of_regions(found: DumpReport) -> Iterator[Suspicion]:
    memory = found.memory
    for bit, title, text in (
        (
            _WRITTEN,
            "Memory that is written and executed (W+X)",
            "Code can be put there and run. Just-in-time compilers do so, and so does injected "
            "code.",
        ),
        (
            _NO_FILE,
            "Code that comes from no file",
            "Memory may be executed that no file on disk explains. Just-in-time compilers do so, "
            "and so does injected code.",
        ),
    ):
        places = []
        count = 0
        for number, marks in enumerate(memory.marks):
            if marks & bit:
                count += 1
                if count <= _FEW:
                    name = memory.texts[memory.names[number]]
                    places.append(
                        f"{memory.bases[number]:#x}  {binary_size(memory.sizes[number])}  "
                        f"{memory.texts[memory.rights[number]]}  {name or 'no name'}"
                    )
        if count:
            yield Suspicion(
                "warn",
                f"{title}: {many(count, 'region')}",
                text,
                tuple(places),
                count - len(places),
            )


def _of_paths(found: DumpReport) -> Iterator[Suspicion]:
    paths = dict.fromkeys(
        path
        for name, column in (("process", "exe_path"), ("modules", "path"))
        for path in _column(found.table(name), column)
    )
    paths.update(dict.fromkeys(_files_of_code(found.memory)))
    gone = [path for path in paths if path.endswith(_DELETED)]
    if gone:
        yield _suspicion(
            "warn",
            "Code from files that are deleted",
            "The process runs what is no longer on disk under this name. Updates do so, and so "
            "do programs that hide.",
            gone,
        )
    odd = [path for path in paths if path.startswith(_ANYBODYS)]
    if odd:
        yield _suspicion(
            "warn",
            "Code from places where anybody may write",
            "Programs are seldom installed there.",
            odd,
        )


def _files_of_code(memory: MemoryColumns) -> Iterator[str]:
    """Names of mapped files that may be executed, modules or not."""
    executed = {number for number, text in enumerate(memory.texts) if "x" in text}
    for number, rights in enumerate(memory.rights):
        if rights in executed and not memory.marks[number] & _NO_FILE:
            yield memory.texts[memory.names[number]]


def _of_threads(found: DumpReport, dump: Dump) -> Iterator[Suspicion]:
    table = found.table("threads")
    if table is None or not found.memory.regions:
        return
    locations = Locations(dump)
    places = []
    for row in table.rows:
        values = dict(zip(table.columns, row))
        if not isinstance(values.get("pc"), str):
            continue
        region = locations.at(int(values["pc"], 16)).region
        if region is not None and "execute" not in region.protection:
            places.append(
                f"thread {values['thread_id']}: {values['pc']} in {region.name or 'no name'}"
            )
    if places:
        yield _suspicion(
            "warn",
            "Threads that run where no code is",
            "Their program counter is in memory that may not be executed.",
            places,
        )


def _of_environment(found: DumpReport) -> Iterator[Suspicion]:
    acquisition = found.acquisition
    known = found.environment or (acquisition.environment if acquisition else None) or []
    names = [name for name, _ in known if name in _LOADED_FIRST]
    if names:
        yield _suspicion(
            "note",
            "Libraries are loaded by a variable of the environment",
            "Code of others can be brought into a process so.",
            names,
        )


def _of_names(found: DumpReport) -> Iterator[Suspicion]:
    """Characters that nobody sees: a name can look like another one."""
    odd = dict.fromkeys(
        text
        for table in found.tables
        for row in table.rows
        for text in row
        if isinstance(text, str) and not text.isascii() and escape_for_people(text) != text
    )
    odd.update(
        dict.fromkeys(
            text
            for text in found.memory.texts
            if not text.isprintable() and escape_for_people(text) != text
        )
    )
    if odd:
        yield _suspicion(
            "note",
            "Names with characters that can't be seen",
            "They are written here as \\u202e and the like. A name can look like another one so.",
            list(odd),
        )


def _suspicion(level: str, title: str, text: str, places: list[str]) -> Suspicion:
    return Suspicion(level, title, text, tuple(places[:_FEW]), max(0, len(places) - _FEW))


def _column(table: TableRows | None, column: str) -> Iterable[str]:
    if table is None or column not in table.columns:
        return ()
    place = table.columns.index(column)
    values: Iterable[Any] = (row[place] for row in table.rows)
    return [value for value in values if isinstance(value, str)]
