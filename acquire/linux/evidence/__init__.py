"""The raw files of /proc, and the target's own files that nobody else may have for long.

Before the target is stopped come the files that take long (the kernel walks all pages for
smaps) and those that stopping would change (where a thread waits). While it stands still come
those that are cheap, for a fraction of a second, and the files that are to be copied are got
hold of. When it has been let go comes the rest, and the copies.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ...evidence import EvidenceFolder, EvidenceLimits, Row, failure, text_of
from ...model import Mapping
from .binaries import Copier, CopyCandidate, hold
from .files_in_turn import Turn, in_turn
from .proc_files import ProcFile, of_descriptors, of_process, of_threads, walks_and_waits

__all__ = ["LinuxEvidence"]

_BEFORE_SECONDS, _AFTER_SECONDS = 60.0, 120.0
_PATIENCE, _FROZEN_PATIENCE = 5.0, 0.1
_MOST_IN_MEMORY = 16 << 20
"""Bytes of what was taken while it stood still, until it has been let go."""
_PIECE = 1 << 16
_TOGETHER = 512
"""Files whose rows are in memory together."""


class _Taken(NamedTuple):
    """A file of /proc that was read into memory; None: it has to be read later."""

    wanted: ProcFile
    moment: str
    time: int
    found: bytes | Row | None


class LinuxEvidence:
    """Collects it: `before`, `frozen` and `after`, in this order.

    Args:
        path: the target's folder of /proc.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._taken: list[_Taken] = []
        self._later: Iterable[ProcFile] = ()
        self._links: list[Row] = []
        self._linked = ("", 0)
        self._held: list[CopyCandidate] = []

    def close(self) -> None:
        """Let go of the files that are to be copied."""
        for held in self._held:
            held.close()

    def before(self, folder: EvidenceFolder, stop: Callable[[], bool]) -> None:
        """Take what takes long, and what stopping would change.

        Raises:
            OSError: the folder can't be written to.
        """
        self._stream(walks_and_waits(self._path), folder, "before", _BEFORE_SECONDS, stop)

    def frozen(self, moment: str, mappings: Sequence[Mapping], seconds: float) -> None:
        """Take what is cheap, into memory.

        Args:
            moment: its name for the manifest.
            mappings: the target's.
            seconds: at most this long.

        Raises:
            OSError: no thread can be started.
        """
        deadline = time.monotonic() + seconds
        numbers = self._take_links(moment, mappings, deadline)
        wanted = itertools.chain(
            of_process(self._path), of_descriptors(self._path, numbers), of_threads(self._path)
        )
        room = _MOST_IN_MEMORY

        def take(one: ProcFile, _: Turn) -> _Taken:
            nonlocal room
            now = time.time_ns()
            try:
                found = _whole(one, room)
            except OSError as error:
                return _Taken(one, moment, now, failure(error))
            room -= len(found or b"")
            return _Taken(one, moment, now, found)

        def stalled(one: ProcFile) -> _Taken:
            return _Taken(one, moment, time.time_ns(), None)

        while batch := list(itertools.islice(wanted, _TOGETHER)):
            taken = in_turn(batch, take, stalled, deadline=deadline, patience=_FROZEN_PATIENCE)
            self._taken += taken
            if time.monotonic() >= deadline:
                self._later = itertools.chain(batch[len(taken) :], wanted)
                break

    def after(
        self, folder: EvidenceFolder, limits: EvidenceLimits, stop: Callable[[], bool]
    ) -> None:
        """Write what was taken, take the rest, and copy files.

        Raises:
            OSError: the folder can't be written to.
        """
        late: list[ProcFile] = []
        for one in self._taken:
            row = _row(one.wanted, one.moment, one.time)
            if one.found is None:
                late.append(one.wanted)
            elif isinstance(one.found, bytes):
                folder.store(one.wanted.word, one.found, row)
            else:
                folder.enter({**row, **one.found})
        self._taken = []
        moment, taken = self._linked
        links = json.dumps(self._links, indent=1).encode() + b"\n"
        folder.store(
            "links",
            links,
            {
                "source": f"{self._path}/{{exe,cwd,root,ns/*,fd/*}}",
                "made": "a list of where these links lead",
                "moment": moment,
                "taken": str(taken),
            },
        )
        wanted = itertools.chain(late, self._later)
        self._stream(wanted, folder, "after", _AFTER_SECONDS, stop)
        copier = Copier(folder, limits)
        rows = in_turn(
            self._held,
            copier.copy,
            lambda held: {**_told(held), **_NO_ANSWER},
            deadline=time.monotonic() + _AFTER_SECONDS,
            patience=_PATIENCE,
            stop=stop,
        )
        for row in rows:
            folder.enter(row)
        for held in self._held[len(rows) :]:
            folder.enter({**_told(held), **_NO_TIME})
        self.close()

    # -- inside ------------------------------------------------------------------------

    def _take_links(self, moment: str, mappings: Sequence[Mapping], deadline: float) -> list[int]:
        """Where the links of the process lead; the numbers of its descriptors."""
        self._linked = (moment, time.time_ns())
        names = ["exe", "cwd", "root"]
        names += [f"ns/{name}" for name in _listed(f"{self._path}/ns")]
        numbers = sorted(map(int, _listed(f"{self._path}/fd")))
        leading: list[tuple[int, bytes]] = []
        for name in [*names, *(f"fd/{number}" for number in numbers)]:
            try:
                if time.monotonic() >= deadline:
                    raise OSError(errno.ETIMEDOUT, "there was no time for it")
                target = os.readlink(os.fsencode(f"{self._path}/{name}"))
            except OSError as error:
                self._links.append({"link": name, **failure(error)})
                continue
            self._links.append({"link": name, **text_of(target, "target")})
            if name.startswith("fd/"):
                leading.append((int(name[3:]), target))
        self._held = hold(self._path, leading, mappings)
        return numbers

    def _stream(
        self,
        wanted: Iterable[ProcFile],
        folder: EvidenceFolder,
        moment: str,
        seconds: float,
        stop: Callable[[], bool],
    ) -> None:
        """Take files of /proc one by one into the folder."""
        deadline = time.monotonic() + seconds

        def take(one: ProcFile, turn: Turn) -> Row:
            row = _row(one, moment, time.time_ns())
            try:
                return {**row, **_copied(one, folder, turn)}
            except OSError as error:
                return {**row, **failure(error)}

        def stalled(one: ProcFile) -> Row:
            return {**_row(one, moment, time.time_ns()), **_NO_ANSWER}

        waiting = iter(wanted)
        while batch := list(itertools.islice(waiting, _TOGETHER)):
            rows = in_turn(batch, take, stalled, deadline=deadline, patience=_PATIENCE, stop=stop)
            for row in rows:
                folder.enter(row)
            for one in batch[len(rows) :]:
                folder.enter({**_row(one, moment, time.time_ns()), **_NO_TIME})


_NO_ANSWER = {"error": "ETIMEDOUT", "detail": "it did not answer"}
_NO_TIME = {"error": "ETIMEDOUT", "detail": "the time for it was up, or it was asked to end"}


def _row(wanted: ProcFile, moment: str, taken: int) -> Row:
    return {"source": wanted.path, "moment": moment, "taken": str(taken)}


def _told(held: CopyCandidate) -> Row:
    return {"source": held.source, **text_of(held.name, "name"), "moment": "after"}


def _listed(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def _whole(wanted: ProcFile, room: int) -> bytes | None:
    """A file of /proc; None if there is no room for it.

    Raises:
        OSError: as the system says it.
    """
    descriptor = os.open(wanted.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces: list[bytes] = []
        while data := os.read(descriptor, _PIECE):
            room -= len(data)
            if room < 0:
                return None
            pieces.append(data)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def _copied(wanted: ProcFile, folder: EvidenceFolder, turn: Turn) -> dict[str, Any]:
    """Copy a file of /proc into the folder.

    Raises:
        OSError: as the system says it.
    """
    descriptor = os.open(wanted.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(descriptor, _PIECE)
        with turn:
            turn.output = output = folder.new(wanted.word)
            output.write(data)
        try:
            while data and output.size < wanted.limit:
                data = os.read(descriptor, min(_PIECE, wanted.limit - output.size))
                with turn:
                    output.write(data)
        except OSError:
            with turn:
                turn.output = None
                output.discard()
            raise
        with turn:
            turn.output = None
            cut = {"cut": f"at {wanted.limit} bytes"} if data else {}
            return {**output.finish(), **cut}
    finally:
        os.close(descriptor)
