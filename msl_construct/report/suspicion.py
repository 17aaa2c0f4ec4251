"""What somebody should look at: of the file, and of the process that was captured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address, ip_address
from typing import Any

from ..analysis import Locations
from ..characters import escape_for_people
from ..reader.dump import Dump
from ..words import many
from .damage import damage_lines, described
from .facts import fits
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
    yield from _of_processes(found)
    yield from _of_threads(found, dump)
    yield from _of_deleted(found)
    yield from _of_sockets(found)
    yield from _of_environment(found)
    if found.acquisition is not None:
        yield from found.acquisition.suspicions
    yield from _of_names(found)


def _of_the_file(found: DumpReport) -> Iterator[Suspicion]:
    for title, text, findings in (
        (
            "The bytes are not what was written",
            "A hash or a count in the file does not agree with its bytes.",
            list(damage_lines(found, hashes=False)),
        ),
        (
            "The acquisition's report does not fit the file",
            "What it says of the dump is not what the dump is.",
            [one.text for one in found.acquisition.tie.findings] if found.acquisition else [],
        ),
        (
            "The signature or the time stamp does not hold",
            "It is of something else, or of nobody who may sign.",
            [one.text for one in found.vouching.findings] if found.vouching else [],
        ),
    ):
        if findings:
            yield _suspicion("bad", title, text, findings)


def _of_regions(found: DumpReport) -> Iterator[Suspicion]:
    memory = found.memory
    for wanted, title, text in (
        (
            _WRITTEN | _NO_FILE,
            "Memory that is written and executed (W+X), and code that comes from no file",
            "Code can be put there and run, and no file on disk explains it. Just-in-time "
            "compilers do so, and so does injected code.",
        ),
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
            if marks & (_WRITTEN | _NO_FILE) == wanted:
                count += 1
                if count <= _FEW:
                    places.append(described(memory, number))
        if count:
            yield Suspicion(
                "warn",
                f"{title}: {many(count, 'region')}",
                text,
                tuple(places),
                count - len(places),
            )


def _of_paths(found: DumpReport) -> Iterator[Suspicion]:
    paths = _paths_of_code(found)
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


def _paths_of_code(found: DumpReport) -> dict[str, None]:
    """Of the program, of modules, and of mapped files that may be executed."""
    paths = dict.fromkeys(
        path
        for name, column in (("process", "exe_path"), ("modules", "path"))
        for path in _column(found.table(name), column)
    )
    paths.update(dict.fromkeys(_files_of_code(found.memory)))
    return paths


def _of_processes(found: DumpReport) -> Iterator[Suspicion]:
    """Programs of other processes: first of those that started this one, then of the others."""
    table = found.table("processes")
    rows = [dict(zip(table.columns, row)) for row in table.rows] if table else []
    above = _above(rows)
    odd = {
        str(row["pid"]): f"process {row['pid']}: {row['exe']}"
        for row in rows
        if not row.get("is_target") and _is_anybodys(row.get("exe"))
    }
    told = {pid: text for pid, text in odd.items() if pid in above}
    for pid, name in found.acquisition.parents if found.acquisition and fits(found) else ():
        if name.startswith(_ANYBODYS):
            told.setdefault(pid, f"process {pid}: {name}")
    if told:
        yield _suspicion(
            "warn",
            "Started by a program from where anybody may write, or from no file",
            "One of the processes that the process descends from is no installed program. A memfd "
            "is a file in memory alone: sandboxes run programs so, and so do programs that hide.",
            list(told.values()),
        )
    others = [text for pid, text in odd.items() if pid not in told]
    if others:
        yield _suspicion(
            "note",
            "Other processes of the machine run programs from where anybody may write",
            "Programs are seldom installed there.",
            others,
        )


def _is_anybodys(path: object) -> bool:
    return isinstance(path, str) and path.startswith(_ANYBODYS)


def _above(rows: list[dict[str, Any]]) -> set[str]:
    """The processes that started the target, and those that started these."""
    parents = {row.get("pid"): row.get("ppid") for row in rows}
    found: set[str] = set()
    for pid in [row.get("ppid") for row in rows if row.get("is_target")]:
        while pid in parents and str(pid) not in found:
            found.add(str(pid))
            pid = parents[pid]
    return found


def _of_deleted(found: DumpReport) -> Iterator[Suspicion]:
    """Files that no folder lists any more: mapped, besides those of code, or open."""
    memory = found.memory
    told = set(_paths_of_code(found))
    mapped = dict.fromkeys(memory.texts[number] for number in memory.names)
    opened = dict.fromkeys(
        f"descriptor {row['fd']}: {row['path']}"
        for row in _of_target(found, "handles")
        if str(row.get("path")).endswith(_DELETED)
    )
    text = "No folder lists them any more. Temporary files and shared memory look so, too."
    gone = [path for path in mapped if path.endswith(_DELETED) and path not in told]
    if gone:
        yield _suspicion("note", "Mapped files that are deleted", text, gone)
    reported = found.acquisition.suspicions if found.acquisition else []
    title = "Open files that are deleted"
    if opened and title not in [one.title for one in reported]:
        yield _suspicion("note", title, text, list(opened))


def _of_sockets(found: DumpReport) -> Iterator[Suspicion]:
    """Where the process waits for connections."""
    rows = list(_of_target(found, "connections"))
    if found.acquisition is not None:
        rows += [
            dict(zip(table.columns, row)) | {"state_name": row[table.columns.index("state")]}
            for table in found.acquisition.tables
            if table.name == "report_sockets"
            for row in table.rows
        ]
    places = {
        f"{row.get('protocol')} {row['local']}": _is_of_the_machine(row)
        for row in rows
        if _listens(row)
    }
    near = [place for place, is_near in places.items() if is_near]
    for title, text, chosen in (
        (
            "The process waits for connections from the network",
            "Servers do so. From where it can be reached depends on firewalls, which the dump "
            "does not have.",
            [place for place in places if place not in near],
        ),
        (
            "The process waits for connections from the machine itself",
            "Others than programs of the same machine can't reach it there.",
            near,
        ),
    ):
        if chosen:
            yield _suspicion("note", title, text, chosen)


def _is_of_the_machine(row: dict[str, Any]) -> bool:
    """Whether nothing but programs of the same machine can come there: surely, or it is not."""
    if row.get("protocol") == "unix":
        return True
    host = str(row["local"]).rpartition(":")[0].strip("[]")
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _listens(row: dict[str, Any]) -> bool:
    return row.get("state_name") == "listen" and bool(row.get("local"))


def _of_target(found: DumpReport, name: str) -> Iterator[dict[str, Any]]:
    """Rows of a table of the machine that are of the process."""
    table = found.table(name)
    if table is None:
        return
    for row in table.rows:
        values = dict(zip(table.columns, row))
        if values.get("is_target"):
            yield values


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
