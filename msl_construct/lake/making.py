"""Tables of many dumps, a file for each dump and table, made by several processes.

A file is written aside and renamed when it is whole. The row of `dumps` is written last: a dump
that has one is done, and is not looked at again until its file changes. A dump that can't be read
is a row of `errors`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ..errors import MslError, StreamError, TamperedError
from ..hashing import new_hasher
from ..outputs import check_name, whole_file
from ..reader.dump import Dump, open_dump
from ..source import RemoteSource, is_remote
from ..source.remote import remote_files
from .cluster import on_cluster
from .columns import LAKE_TABLES, OPTIONAL_TABLES, LakeTable
from .rows import rows_of
from .writers import WRITERS, require

__all__ = ["Done", "TablePlan", "make_lake", "sources_in"]

_DUMPS, _ERRORS = "dumps", "errors"
_PLACE, _STATE, _PLAN = 16, 8, 4
"""Characters of a file's name: of the dump's path, of the state of its file, of what is made."""
_AHEAD = 4
_ENDING = ".msl"
_PART = "-incomplete"
"""Ends the name of the row of a dump that is not whole: whoever goes on says so again."""


@dataclass(frozen=True)
class TablePlan:
    """What is to be made.

    Attributes:
        folder: of the lake.
        form: the name of a format.
        tables: names of the tables.
        options: how dumps are opened.
    """

    folder: str
    form: str
    tables: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Earlier:
    """What runs before this one left of a dump.

    Attributes:
        done: the state of its file in which it was done; empty: it was not.
        states: every state of which any table has a file.
    """

    done: str = ""
    states: frozenset[str] = frozenset()


_NOTHING = _Earlier()


@dataclass(frozen=True)
class Done:
    """What became of one dump.

    Attributes:
        source: its path.
        error: what was wrong with it; empty: nothing.
        again: it had been done before.
        complete: whether all of it could be read.
        altered: whether it is encrypted, and its tag says that it is not what was written.
    """

    source: str
    error: str = ""
    again: bool = False
    complete: bool = True
    altered: bool = False


def sources_in(places: Iterable[str]) -> Iterator[str]:
    """The files that are named, and those below folders whose names end with .msl; in order.

    An address that ends with a slash is that of a folder.

    Raises:
        OSError: a folder can't be listed.
    """
    for place in places:
        if is_remote(place) and place.endswith("/"):
            yield from remote_files(place, _ENDING)
            continue
        if not os.path.isdir(place):
            yield place
            continue
        for folder, folders, files in os.walk(place, onerror=_raise):
            folders.sort()
            yield from (
                os.path.join(folder, name) for name in sorted(files) if name.endswith(_ENDING)
            )


def _raise(error: OSError) -> None:
    raise error


def make_lake(
    sources: Iterable[str], plan: TablePlan, workers: int = 1, cluster: str = ""
) -> Iterator[Done]:
    """Make the tables of dumps; what became of each, as they get ready.

    Args:
        workers: how many processes look at dumps at a time.
        cluster: address of a scheduler of Dask, whose workers do instead; they see the same files.

    Raises:
        ExportError: a library is missing.
        OSError: the lake can't be written.
        StreamError: a process was ended by somebody.
    """
    require(plan.form)
    check_name(plan.folder)
    earlier = _earlier(plan)
    for name in (*plan.tables, _DUMPS, _ERRORS):
        os.makedirs(os.path.join(plan.folder, name), exist_ok=True)
    if cluster:
        calls = ((source, plan, earlier.get(_place(source), _NOTHING)) for source in sources)
        yield from on_cluster(cluster, _one, calls)
        return
    if workers == 1:
        for source in sources:
            yield _one(source, plan, earlier.get(_place(source), _NOTHING))
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting: set[Future[Done]] = set()
        for source in sources:
            left = earlier.get(_place(source), _NOTHING)
            waiting.add(pool.submit(_one, source, plan, left))
            if len(waiting) >= workers * _AHEAD:
                ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from map(_result, ready)
        yield from map(_result, waiting)


def _result(future: Future[Done]) -> Done:
    """What a worker says.

    Raises:
        StreamError: it says nothing any more.
    """
    try:
        return future.result()
    except BrokenProcessPool:
        raise StreamError(
            "a process that makes tables was ended, perhaps for want of memory: started again, it "
            "goes on where it was; --workers 1 says at which dump"
        ) from None


def _earlier(plan: TablePlan) -> dict[str, _Earlier]:
    """What is there of each dump, by its place: each folder is listed once, however many dumps."""
    ending = f".{plan.form}"
    found: dict[str, _Earlier] = {}
    for table in LAKE_TABLES:
        try:
            listed = os.scandir(os.path.join(plan.folder, table))
        except FileNotFoundError:
            continue
        with listed:
            for one in listed:
                place, between, state = one.name.partition("-")
                if not between or not state.endswith(ending):
                    continue
                state = state.removesuffix(ending)
                known = found.get(place, _NOTHING)
                done = state if table == _DUMPS else known.done
                states = known.states
                if done != known.done or state not in states:
                    found[place] = _Earlier(done, states | {state})
    return found


def _digest(text: str, length: int) -> str:
    hasher = new_hasher("blake3")
    hasher.update(text.encode("utf-8", "surrogateescape"))
    return hasher.digest().hex()[:length]


def _place(source: str) -> str:
    return _digest(source if is_remote(source) else os.path.abspath(source), _PLACE)


def _one(source: str, plan: TablePlan, earlier: _Earlier) -> Done:
    """Make the tables of one dump."""
    place = _place(source)
    try:
        told, size = _state_of(source)
    except (MslError, OSError) as error:
        return _failed(source, plan, f"{place}-none", 0, error)
    file_state = _digest(told, _STATE)
    state = file_state + _digest(" ".join(plan.tables), _PLAN)
    if earlier.done.removesuffix(_PART) == state:
        return Done(source, again=True, complete=not earlier.done.endswith(_PART))
    _forget(place, earlier.states, plan, file_state)
    key = f"{place}-{state}"
    try:
        with open_dump(source, **plan.options) as dump:
            dump.require_key()
            if dump.tampered:
                raise TamperedError(f"not intact: {dump.ending.text}", offset=dump.ending.offset)
            for name in plan.tables:
                _write(dump, LAKE_TABLES[name], source, plan, key)
            dump.require_unchanged()
            part = "" if dump.complete else _PART
            _write(dump, LAKE_TABLES[_DUMPS], source, plan, key + part)
            return Done(source, complete=dump.complete)
    except Exception as error:  # one dump of thousands: the others are made nevertheless
        if isinstance(error, OSError) and not _is_about(error, source):
            raise
        _forget(place, {state, state + _PART}, plan, file_state)
        return _failed(source, plan, key, size, error)


def _state_of(source: str) -> tuple[str, int]:
    """What says in which state a file is, and its size.

    Raises:
        OSError: it is not there, or no file.
        StreamError: what knows its address is not installed.
    """
    if is_remote(source):
        remote = RemoteSource(source)
        return remote.state, remote.size
    found = os.stat(source)
    if not stat.S_ISREG(found.st_mode):  # a pipe would have us wait for ever
        raise OSError(errno.EINVAL, "expected a file", source)
    return f"{found.st_size} {found.st_mtime_ns}", found.st_size


def _is_about(error: OSError, source: str) -> bool:
    """Whether it is the dump that can't be read, and not the lake that can't be written."""
    return error.filename is None or os.fspath(error.filename) == source


def _write(dump: Dump, table: LakeTable, source: str, plan: TablePlan, key: str) -> None:
    place = Path(plan.folder) / table.name / f"{key}.{plan.form}"
    with whole_file(place, force=True) as file:
        WRITERS[plan.form](table, rows_of(dump, table, source), file)


def _failed(source: str, plan: TablePlan, key: str, size: int, error: Exception) -> Done:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    table = LAKE_TABLES[_ERRORS]
    row = {
        "dump_uuid": None,
        "source": source.encode("utf-8", "backslashreplace").decode(),
        "bytes": size,
        "error": type(error).__name__,
        "text": text,
    }
    place = Path(plan.folder) / _ERRORS / f"{key}.{plan.form}"
    with whole_file(place, force=True) as file:
        WRITERS[plan.form](table, [row], file)
    altered = isinstance(error, TamperedError)
    return Done(source, error=text, complete=False, altered=altered)


def _forget(place: str, states: Iterable[str], plan: TablePlan, file_state: str) -> None:
    """Take away what an earlier state of the file left, and what is made anew.

    Args:
        file_state: that of the file now: other tables of it are true, and stay.
    """
    anew = {_DUMPS, _ERRORS, *plan.tables}
    for state in states:
        for table in LAKE_TABLES:
            if table in anew or not state.startswith(file_state):
                Path(plan.folder, table, f"{place}-{state}.{plan.form}").unlink(missing_ok=True)


def default_tables(chosen: Sequence[str], more: Iterable[str] = ()) -> tuple[str, ...]:
    """The names of the tables that are made: those chosen, or all that are quick to make."""
    usual = [one for one in LAKE_TABLES if one not in (*OPTIONAL_TABLES, _DUMPS, _ERRORS)]
    wanted = [one for one in chosen if one not in (_DUMPS, _ERRORS)] if chosen else usual
    return tuple(dict.fromkeys([*wanted, *more]))
