"""The files behind modules: looked at and hashed.

A file may lie on a server that doesn't answer: everything here runs in a thread that is left
to itself when it stalls.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from msl_construct.hashing import new_hasher

from ..shares import Shares
from .elf import Elf, ElfError, read_elf
from .mapped_files import MappedFile, MappedFiles, link
from .packages import find_packages
from .proc_text import text, without_root

__all__ = ["FileFacts", "ModuleCache", "examine"]

_BUFFER = 1 << 20

_HOLES = 256 << 20
"""Bytes that a file has and nobody stores: no program or library has as many."""

_LATE = "its share of the time was up"

_Key = tuple[int, int, int, int]


@dataclass(frozen=True)
class FileFacts:
    """What was found out about a file.

    Attributes:
        examined: whether it could be opened and read.
        code: whether it looks like something that is loaded as code.
        elf: None where it is no ELF file.
        disk_hash: None where there is nothing on disk to hash, or no need to.
        version: from its notes, else of its package; empty where neither says it.
        problem: why something of it is missing; empty where nothing is.
        size, stored: bytes that it has, and those of them that its file system keeps.
        to_hash: whether it is still to be hashed.
    """

    examined: bool = False
    code: bool = False
    elf: Elf | None = None
    disk_hash: bytes | None = None
    version: str = ""
    problem: str = ""
    size: int = 0
    stored: int = 0
    to_hash: bool = False


@dataclass
class ModuleCache:
    """Facts about files, good as long as device, inode, size and time of change are the same.

    Attributes:
        known: the facts.
        asked: which of these files the package database has been asked about.
        problems: path of a file to what could not be found out, and why.
        hash_algo: what they are hashed with, by its name in the schema.
        stop: says that nobody waits for them any more.
    """

    known: dict[_Key, FileFacts] = field(default_factory=dict)
    asked: set[_Key] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)
    hash_algo: str = "blake3"
    stop: Callable[[], bool] = lambda: False


def examine(
    path: str, files: Iterable[MappedFile], cache: ModuleCache, seconds: float
) -> dict[MappedFile, FileFacts]:
    """Facts about each of `files`, in at most about `seconds`.

    All of them are looked at before any is hashed, so that none takes another's time for being
    known as what it is. Then each gets a share of what time there is: the program first, the
    others by their size.

    Args:
        path: the target's folder of /proc.
        cache: asked first, and filled.
    """
    files = list(files)
    began = time.monotonic()
    deadline = began + seconds
    patience = max(0.5, seconds / 3)
    found = _in_turn(lambda rest: _Job(path, rest, cache, deadline), files, deadline, patience)
    for file in files:
        found.setdefault(file, FileFacts(problem=f"not read: {seconds} s were up"))
    program = link(f"{path}/exe")
    waiting = sorted(
        (file for file, facts in found.items() if facts.to_hash),
        key=lambda file: (file.name != program, found[file].stored),
    )
    if waiting:
        first = waiting[0] if waiting[0].name == program else None
        shares = Shares({file: found[file].size for file in waiting}, began, seconds, first)
        hashed = _in_turn(
            lambda rest: _Job(path, rest, cache, deadline, found, shares),
            waiting,
            deadline,
            patience,
        )
        for file in waiting:
            late = replace(found[file], to_hash=False, problem=f"not hashed: {_LATE}")
            facts = hashed.get(file, late)
            if not facts.examined:  # it does not answer any more: what was seen of it stands
                facts = replace(late, problem=facts.problem)
            found[file] = facts
    for file, facts in found.items():
        if facts.problem:
            cache.problems[text(file.name)] = facts.problem
        else:
            cache.problems.pop(text(file.name), None)
    return found


def _in_turn(
    job_of: Callable[[list[MappedFile]], _Job],
    files: Iterable[MappedFile],
    deadline: float,
    patience: float,
) -> dict[MappedFile, FileFacts]:
    """What jobs find out about files; one that stalls is left to itself, with its file system."""
    remaining = list(files)
    found: dict[MappedFile, FileFacts] = {}
    while remaining:
        job = job_of(remaining)
        threading.Thread(target=job.run, name="msl-modules", daemon=True).start()
        stuck = job.wait(deadline, patience)
        found.update(job.results)
        remaining = [file for file in remaining if file not in found]
        if stuck is None or time.monotonic() >= deadline:
            break
        # What lies on the same file system would not answer either.
        for file in remaining:
            if file.device == stuck.device:
                found[file] = FileFacts(problem=f"its file system did not answer in {patience} s")
        remaining = [file for file in remaining if file not in found]
    return found


class _TooLong(Exception):
    """A file takes more than its share of the time."""


class _Job:
    """The work of one thread; everything it touches of ours is written by it alone.

    Args:
        looked: what is known of the files; with it, they are hashed.
        shares: how long each may be hashed.
    """

    def __init__(
        self,
        path: str,
        files: list[MappedFile],
        cache: ModuleCache,
        deadline: float,
        looked: dict[MappedFile, FileFacts] | None = None,
        shares: Shares[MappedFile] | None = None,
    ) -> None:
        # Only the folder of a process has map_files; every thread's number leads to one.
        self._path = "/proc/" + path.rpartition("/")[2] if "/task/" in path else path
        self._files = files
        self._cache = cache
        self._deadline = deadline
        self._looked = looked or {}
        self._shares = shares
        self._until = deadline
        self._done = threading.Event()
        self._given_up = False
        self._beat = time.monotonic()
        self._current: MappedFile | None = None
        self._exe = link(f"{self._path}/exe")
        self._buffer: memoryview | None = None
        self.results: dict[MappedFile, FileFacts] = {}

    def wait(self, deadline: float, patience: float) -> MappedFile | None:
        """Wait for the end, or until nothing moved for `patience`: then the file in question."""
        while not self._done.is_set():
            now = time.monotonic()
            left = min(deadline, self._beat + patience) - now
            if left <= 0:
                self._given_up = True
                return self._current
            self._done.wait(left)
        return None

    @property
    def _left(self) -> bool:
        """Whether nobody waits for what comes of it."""
        return self._given_up or self._cache.stop()

    def run(self) -> None:
        """Go through the files; after hashing ask for the packages of those without a version."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._done.set)
            opening = stack.enter_context(contextlib.closing(MappedFiles(self._path)))
            without_version: dict[MappedFile, _Key] = {}
            for file in self._files:
                self._current, self._beat = file, time.monotonic()
                if self._shares is not None:
                    self._until = self._shares.until(file)
                facts, key = self._one(opening, file)
                if self._left:
                    return
                self.results[file] = facts
                if key is not None and not facts.to_hash:
                    self._cache.known.setdefault(key, facts)
                    on_disk = self._shares is not None or facts.disk_hash
                    if on_disk and not facts.version and key not in self._cache.asked:
                        without_version[file] = key
            self._current = None
            if without_version:
                self._add_versions(without_version)

    def _one(self, opening: MappedFiles, file: MappedFile) -> tuple[FileFacts, _Key | None]:
        try:
            descriptor, problem = opening.open(file)
        except OSError as error:
            return FileFacts(problem=f"can't be opened: {error.strerror}"), None
        try:
            return self._read(file, descriptor, problem)
        except OSError as error:
            return FileFacts(problem=f"can't be read: {error.strerror}"), None
        finally:
            os.close(descriptor)

    def _read(
        self, file: MappedFile, descriptor: int, problem: str
    ) -> tuple[FileFacts, _Key | None]:
        told = os.fstat(descriptor)
        key = _key(told)
        known = self._cache.known.get(key)
        if known is not None:
            return known, key
        if self._shares is not None:
            return self._hashed(self._looked[file], descriptor, key)
        elf: Elf | None = None
        with contextlib.suppress(ElfError):
            elf = read_elf(descriptor)
        code = elf is not None or file.name == self._exe or _is_pe(descriptor)
        stored = min(told.st_blocks * 512, told.st_size) if hasattr(told, "st_blocks") else 0
        if code and not problem and told.st_size - stored > _HOLES:
            problem = f"not hashed: of its {told.st_size} bytes only {stored} are stored"
        facts = FileFacts(
            examined=True,
            code=code,
            elf=elf,
            version=elf.version if elf else "",
            problem=problem,
            size=told.st_size,
            stored=stored,
            to_hash=code and not problem,
        )
        return facts, key

    def _hashed(
        self, facts: FileFacts, descriptor: int, key: _Key
    ) -> tuple[FileFacts, _Key | None]:
        size, facts = facts.size, replace(facts, to_hash=False)
        try:
            digest = self._hash(descriptor)
        except _TooLong:
            return replace(facts, problem=f"not hashed: {_LATE}"), key
        if _key(os.fstat(descriptor)) != key or key[2] != size:
            return replace(facts, problem="not hashed: it changed while being read"), None
        return replace(facts, disk_hash=digest), key

    def _hash(self, descriptor: int) -> bytes:
        """The hash of an open file, in pieces: a file under a mapping may be cut off any time.

        Raises:
            _TooLong: it would take more than its share of the time.
        """
        if self._buffer is None:
            self._buffer = memoryview(bytearray(_BUFFER))
        hasher = new_hasher(self._cache.hash_algo)
        offset = 0
        while not self._left:
            got = os.preadv(descriptor, [self._buffer], offset)
            if not got:
                break
            hasher.update(self._buffer[:got])
            offset += got
            self._beat = time.monotonic()
            if self._beat > self._until:
                raise _TooLong
        return hasher.digest()

    def _add_versions(self, files: dict[MappedFile, _Key]) -> None:
        """Ask the package database about all of `files` at once."""
        root = os.fsdecode(link(f"{self._path}/root"))
        asked = {without_root(os.fsdecode(file.name), root): file for file in files}
        packages = find_packages(f"{self._path}/root", asked, self._deadline)
        for name, file in asked.items():
            key = files[file]
            self._cache.asked.add(key)
            if name in packages and not self._given_up:
                facts = replace(self.results[file], version=packages[name].version)
                self.results[file] = self._cache.known[key] = facts


def _key(told: os.stat_result) -> _Key:
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns


def _is_pe(descriptor: int) -> bool:
    """Whether a file is a PE file, which Wine loads: two letters at its start don't make one."""
    head = os.pread(descriptor, 64, 0)
    if len(head) < 64 or head[:2] != b"MZ":
        return False
    mark = os.pread(descriptor, 4, int.from_bytes(head[60:64], "little"))
    return mark == b"PE\0\0" or mark[:2] in (b"NE", b"LE", b"LX")
