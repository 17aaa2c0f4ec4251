"""The files behind modules: found, checked to be the very ones that are mapped, hashed.

``/proc/PID/map_files`` leads to the mapped file itself, whatever became of its name, but only
the privileged may follow it. Otherwise the file is opened by name, inside the target's root,
and taken only if device and inode are those that maps shows.

A file may lie on a server that doesn't answer: everything here runs in a thread that is left
to itself when it stalls.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from msl_construct.hashing import new_hasher

from ..model import Mapping
from .elf import Elf, ElfError, read_elf
from .inside import RootFolder, open_regular
from .mounts import RESTLESS
from .packages import find_packages
from .proc_text import lines_of, read_bytes, text, without_root

__all__ = ["FileFacts", "MappedFile", "ModuleCache", "examine"]

_BUFFER = 1 << 20
_DELETED = b" (deleted)"

_Key = tuple[int, int, int, int]


class MappedFile(NamedTuple):
    """A file as maps shows it.

    Attributes:
        device: major and minor as there, ``fe:00``.
        inode: decimal.
        name: with the marks that the kernel puts in.
        mapping: one of its mappings.
    """

    device: bytes
    inode: bytes
    name: bytes
    mapping: Mapping


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
    """

    examined: bool = False
    code: bool = False
    elf: Elf | None = None
    disk_hash: bytes | None = None
    version: str = ""
    problem: str = ""


@dataclass
class ModuleCache:
    """Facts about files, good as long as device, inode, size and time of change are the same.

    Attributes:
        known: the facts.
        asked: which of these files the package database has been asked about.
        problems: path of a file to what could not be found out, and why.
        hash_algo: what they are hashed with, by its name in the schema.
    """

    known: dict[_Key, FileFacts] = field(default_factory=dict)
    asked: set[_Key] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)
    hash_algo: str = "blake3"


def examine(
    path: str, files: Iterable[MappedFile], cache: ModuleCache, seconds: float
) -> dict[MappedFile, FileFacts]:
    """Facts about each of `files`, in at most about `seconds`.

    Args:
        path: the target's folder of /proc.
        cache: asked first, and filled.
    """
    remaining = list(files)
    found: dict[MappedFile, FileFacts] = {}
    deadline = time.monotonic() + seconds
    patience = max(0.5, seconds / 3)
    while remaining:
        job = _Job(path, remaining, cache, deadline)
        try:
            threading.Thread(target=job.run, name="msl-modules", daemon=True).start()
        except (RuntimeError, MemoryError) as error:  # and without one there is no time limit
            for file in remaining:
                found[file] = FileFacts(problem=f"not read: {error}")
            break
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
    for file in remaining:
        found.setdefault(file, FileFacts(problem=f"not read: {seconds} s were up"))
    for file, facts in found.items():
        if facts.problem:
            cache.problems[text(file.name)] = facts.problem
        else:
            cache.problems.pop(text(file.name), None)
    return found


class _Job:
    """The work of one thread; everything it touches of ours is written by it alone."""

    def __init__(
        self, path: str, files: list[MappedFile], cache: ModuleCache, deadline: float
    ) -> None:
        # Only the folder of a process has map_files; every thread's number leads to one.
        self._path = "/proc/" + path.rpartition("/")[2] if "/task/" in path else path
        self._files = files
        self._cache = cache
        self._deadline = deadline
        self._done = threading.Event()
        self._given_up = False
        self._beat = time.monotonic()
        self._current: MappedFile | None = None
        self._exe = _link(f"{self._path}/exe")
        self._root: RootFolder | None = None
        self._mounts: dict[str, str] | None = None
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

    def run(self) -> None:
        """Go through the files, then ask for the packages of those without a version."""
        try:
            try:
                self._root = RootFolder(f"{self._path}/root")
            except OSError:
                self._root = None
            without_version: dict[MappedFile, _Key] = {}
            for file in self._files:
                self._current, self._beat = file, time.monotonic()
                facts, key = self._one(file)
                if self._given_up:
                    return
                self.results[file] = facts
                if key is not None:
                    self._cache.known.setdefault(key, facts)
                    if facts.disk_hash and not facts.version and key not in self._cache.asked:
                        without_version[file] = key
            self._current = None
            if without_version:
                self._add_versions(without_version)
        finally:
            if self._root is not None:
                self._root.close()
            self._done.set()

    def _one(self, file: MappedFile) -> tuple[FileFacts, _Key | None]:
        try:
            descriptor, problem = self._open(file)
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
        elf: Elf | None = None
        with contextlib.suppress(ElfError):
            elf = read_elf(descriptor)
        code = elf is not None or os.pread(descriptor, 2, 0) == b"MZ" or file.name == self._exe
        facts = FileFacts(
            examined=True, code=code, elf=elf, version=elf.version if elf else "", problem=problem
        )
        if not code or problem:
            return facts, key
        digest = self._hash(descriptor)
        if _key(os.fstat(descriptor)) != key:
            return replace(facts, problem="not hashed: it changed while being read"), None
        return replace(facts, disk_hash=digest), key

    def _hash(self, descriptor: int) -> bytes:
        """The hash of an open file, in pieces: a file under a mapping may be cut off any time."""
        if self._buffer is None:
            self._buffer = memoryview(bytearray(_BUFFER))
        hasher = new_hasher(self._cache.hash_algo)
        offset = 0
        while not self._given_up:
            got = os.preadv(descriptor, [self._buffer], offset)
            if not got:
                break
            hasher.update(self._buffer[:got])
            offset += got
            self._beat = time.monotonic()
        return hasher.digest()

    def _open(self, file: MappedFile) -> tuple[int, str]:
        """A descriptor of the mapped file, and why it is not to be hashed (or nothing)."""
        mapping = file.mapping
        link = f"{self._path}/map_files/{mapping.start:x}-{mapping.end:x}"
        try:
            # Before a mapping of a device is even looked for; `open_regular` makes sure of it.
            if not stat.S_ISREG(os.stat(link).st_mode):
                raise OSError(errno.ENODEV, "not a regular file")
            descriptor = open_regular(link)
        except OSError as error:
            if error.errno == errno.ENODEV:
                raise
            descriptor = self._open_by_name(file)
        if not file.name.endswith(_DELETED):
            return descriptor, ""
        if file.name.startswith(b"/memfd:"):
            return descriptor, "not hashed: it is a memfd, in no file system"
        if os.fstat(descriptor).st_nlink and self._has_that_name(file):
            return descriptor, ""
        return descriptor, "not hashed: it is deleted"

    def _open_by_name(self, file: MappedFile) -> int:
        name = file.name.replace(b"\\012", b"\n")
        if self._root is not None:
            try:
                descriptor = self._root.open(name)
            except OSError:
                pass
            else:
                if self._same(file, descriptor):
                    return descriptor
                os.close(descriptor)
        # After a mere chroot, maps shows paths from our root.
        if _link(f"{self._path}/ns/mnt") == _link("/proc/self/ns/mnt") != b"":
            descriptor = open_regular(name)
            if self._same(file, descriptor):
                return descriptor
            os.close(descriptor)
        if file.name.endswith(_DELETED):
            raise OSError(errno.ENOENT, "it is deleted")
        raise OSError(errno.ENOENT, "its name leads to another file, or to none")

    def _has_that_name(self, file: MappedFile) -> bool:
        """Whether a name that looks like the kernel's mark is really the file's name."""
        try:
            descriptor = self._open_by_name(file)
        except OSError:
            return False
        os.close(descriptor)
        return True

    def _same(self, file: MappedFile, descriptor: int) -> bool:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode) or told.st_ino != int(file.inode):
            return False
        major, _, minor = file.device.partition(b":")
        if told.st_dev == os.makedev(int(major, 16), int(minor, 16)):
            return True
        return self._file_system(descriptor) in RESTLESS

    def _file_system(self, descriptor: int) -> str:
        """The type of file system that an open file is on; empty where unknown."""
        if self._mounts is None:
            try:
                lines = lines_of(read_bytes(f"{self._path}/mountinfo"))
            except OSError:
                lines = []
            self._mounts = {
                text(line.split(b" ", 1)[0]): text(line.partition(b" - ")[2].split(b" ")[0])
                for line in lines
                if b" - " in line
            }
        for line in lines_of(read_bytes(f"/proc/self/fdinfo/{descriptor}")):
            if line.startswith(b"mnt_id:"):
                return self._mounts.get(text(line[7:].strip()), "")
        return ""

    def _add_versions(self, files: dict[MappedFile, _Key]) -> None:
        """Ask the package database about all of `files` at once."""
        root = os.fsdecode(_link(f"{self._path}/root"))
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


def _link(path: str) -> bytes:
    try:
        return os.readlink(os.fsencode(path)).replace(b"\n", b"\\012")
    except OSError:
        return b""
