"""A folder of evidence beside a dump: files, a manifest of their hashes, SHA256SUMS.

What goes into it is the operating system's business (`Target.evidence`). Names of files are
numbers and words of ours: whatever the target chose stands in the manifest only.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any

from blake3 import blake3

from .report import tool

__all__ = ["FILES", "MANIFEST", "SUMS", "EvidenceFile", "EvidenceFolder", "EvidenceLimits", "Row"]

MANIFEST, SUMS, FILES = "manifest.json", "SHA256SUMS", "files"
_VERSION = 1
_OURS = re.compile(r"\d{5,}-[a-z0-9_]+")
_ZEROS = bytes(1 << 20)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_MOMENTS = {
    "before": "the target ran: before it was stopped",
    "frozen": "while the target stood still",
    "running": "the target was not stopped: when its memory was about to be read",
    "after": "the target had been let go",
}

Row = dict[str, Any]
"""What the manifest says of one file."""


class EvidenceLimits:
    """What copies of the target's own files may take.

    Args:
        max_file: bytes of one.
        max_total: bytes of all of them.
    """

    def __init__(self, max_file: int, max_total: int) -> None:
        self.max_file = max_file
        self.left = max_total


class EvidenceFile:
    """One file of the folder while it is written.

    Args:
        folder: the descriptor of the folder that it is in.
        name: in there.
        failed: told of every error in writing.
    """

    def __init__(self, folder: int, name: str, failed: Callable[[OSError], None]) -> None:
        self.name = name
        self.size = 0
        self._folder = folder
        self._failed = failed
        self._descriptor = os.open(name, _NEW, 0o600, dir_fd=folder)
        self._sha256, self._blake3 = hashlib.sha256(), blake3()

    def write(self, data: bytes | memoryview) -> None:
        """Append."""
        self._sha256.update(data)
        self._blake3.update(data)
        self.size += len(data)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._failed(error)
            raise

    def skip(self, size: int) -> None:
        """Append a hole, which takes no room; at most 1 MiB, so that the caller stays awake."""
        zeros = memoryview(_ZEROS)[:size]
        self._sha256.update(zeros)
        self._blake3.update(zeros)
        self.size += len(zeros)
        os.lseek(self._descriptor, self.size, os.SEEK_SET)

    def finish(self) -> Row:
        """Close it; size and hashes for its row."""
        try:
            os.ftruncate(self._descriptor, self.size)  # a hole may be the last of it
        finally:
            os.close(self._descriptor)
        return {
            "stored": f"{FILES}/{self.name}",
            "size": self.size,
            "sha256": self._sha256.hexdigest(),
            "blake3": self._blake3.hexdigest(),
        }

    def discard(self) -> None:
        """It came to nothing: no half of it stays."""
        with suppress(OSError):
            os.close(self._descriptor)
        with suppress(OSError):
            os.unlink(self.name, dir_fd=self._folder)


class _Text:
    """A text file that is hashed while it is written."""

    def __init__(self, folder: int, name: str) -> None:
        descriptor = os.open(name, _NEW, 0o600, dir_fd=folder)
        self._file: IO[bytes] = open(descriptor, "wb")  # noqa: SIM115 - closed by `close`
        self._sha256, self._blake3 = hashlib.sha256(), blake3()
        self._size = 0

    def write(self, text: str) -> None:
        data = text.encode()
        self._sha256.update(data)
        self._blake3.update(data)
        self._size += len(data)
        self._file.write(data)

    def close(self) -> Row:
        self._file.close()
        return {
            "size": self._size,
            "sha256": self._sha256.hexdigest(),
            "blake3": self._blake3.hexdigest(),
        }


class EvidenceFolder:
    """The folder.

    Args:
        path: of it; made unless it is there.
        force: replace the evidence that it holds; anything else in it stays.
        min_free: bytes that must stay free.

    Attributes:
        problem: why something that was there could not be stored; None where all was.

    Raises:
        FileExistsError: it is there and isn't empty.
        OSError: it can't be made, or it is another user's or a link.
    """

    def __init__(self, path: str | os.PathLike[str], *, force: bool = False, min_free: int = 0):
        self.path = os.fspath(path)
        self.problem: Row | None = None
        self._min_free = min_free
        self._count = self._lost = 0
        self._bytes = 0
        self._manifest: _Text | None = None
        self._sums: _Text | None = None
        self._separator = ""
        plain = self.path.rstrip("/") or "/"
        self._made = False
        with suppress(FileExistsError):
            os.mkdir(plain, 0o700)
            self._made = True
        self._folder = os.open(plain, os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW | os.O_CLOEXEC)
        self._files = -1
        try:
            self._claim(force)
            os.mkdir(FILES, 0o700, dir_fd=self._folder)
            flags = os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW | os.O_CLOEXEC
            self._files = os.open(FILES, flags, dir_fd=self._folder)
        except BaseException:
            self.abandon()
            raise

    @staticmethod
    def check(path: str | os.PathLike[str], *, force: bool) -> None:
        """Refuse a place that can't become such a folder, without making anything.

        Raises:
            FileExistsError: it is there and isn't empty, or is no folder.
        """
        if os.path.lexists(path):
            if not os.path.isdir(path) or os.path.islink(os.fspath(path).rstrip("/")):
                raise FileExistsError(errno.EEXIST, "is there, and no folder", os.fspath(path))
            if not force and os.listdir(path):
                raise FileExistsError(errno.EEXIST, "is there, and not empty", os.fspath(path))

    def _claim(self, force: bool) -> None:
        found = os.listdir(self._folder)
        if found and not force:
            raise FileExistsError(errno.EEXIST, "is there, and not empty", self.path)
        told = os.fstat(self._folder)
        if told.st_uid != os.geteuid():  # its owner could read, and exchange, what we put there
            raise PermissionError(errno.EPERM, "the folder is another user's", self.path)
        os.fchmod(self._folder, 0o700)
        if found:
            self._clear()

    def _clear(self) -> None:
        """Remove the evidence that is there."""
        for name in (MANIFEST, SUMS):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._folder)
        flags = os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW | os.O_CLOEXEC
        try:
            files = os.open(FILES, flags, dir_fd=self._folder)
        except FileNotFoundError:
            return
        try:
            for name in filter(_OURS.fullmatch, os.listdir(files)):
                os.unlink(name, dir_fd=files)
        finally:
            os.close(files)
        os.rmdir(FILES, dir_fd=self._folder)  # fails where something else is in there

    # -- what goes into it ---------------------------------------------------------------

    def begin(self, about: Mapping[str, Any]) -> None:
        """Begin the manifest.

        Args:
            about: which dump it belongs to.

        Raises:
            OSError: it can't be written.
        """
        self._manifest = _Text(self._folder, MANIFEST)
        self._sums = _Text(self._folder, SUMS)
        head = {
            "evidence": _VERSION,
            "tool": tool(),
            **about,
            "began": str(time.time_ns()),
            "moments": _MOMENTS,
        }
        lines = json.dumps(head, indent=1, default=str)
        self._manifest.write(f'{lines[:-2]},\n "entries": [')

    def new(self, word: str) -> EvidenceFile:
        """A new file, whose name is a number and a word of ours.

        Raises:
            OSError: it can't be made, or too little is free.
        """
        try:
            if self._min_free:
                found = os.fstatvfs(self._folder)
                if found.f_bavail * found.f_frsize < self._min_free:
                    raise OSError(errno.ENOSPC, f"less than {self._min_free} bytes are free")
            self._count += 1
            return EvidenceFile(self._files, f"{self._count:05}-{word}", self._take_note)
        except OSError as error:
            self._take_note(error)
            raise

    def _take_note(self, error: OSError) -> None:
        """Of the first thing that could not be written."""
        self.problem = self.problem or failure(error)

    def store(self, word: str, data: bytes, row: Row) -> None:
        """Keep `data`, and enter it."""
        try:
            output = self.new(word)
            try:
                output.write(data)
            except BaseException:
                output.discard()
                raise
            row = {**row, **output.finish()}
        except OSError as error:
            row = {**row, **failure(error)}
        self.enter(row)

    def enter(self, row: Row) -> None:
        """Put a row into the manifest.

        Raises:
            OSError: it can't be written.
        """
        assert self._manifest is not None
        assert self._sums is not None
        self._manifest.write(f"{self._separator}\n  {json.dumps(row, default=str)}")
        self._separator = ","
        if "stored" in row:
            self._bytes += row["size"]
            self._sums.write(f"{row['sha256']}  {row['stored']}\n")
        elif "error" in row:
            self._lost += 1

    def close(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """End the manifest; the report's section.

        Args:
            about: what is known at the end only.

        Raises:
            OSError: it can't be written.
        """
        assert self._manifest is not None
        assert self._sums is not None
        counted = {"files": self._stored(), "bytes": self._bytes, "not_had": self._lost}
        tail = json.dumps({**about, "ended": str(time.time_ns()), **counted}, default=str)
        self._manifest.write(f"\n ],\n {tail[1:-1]}\n}}\n")
        manifest = self._manifest.close()
        self._sums.write(f"{manifest['sha256']}  {MANIFEST}\n")
        self._sums.close()
        self._manifest = self._sums = None
        return {"path": self.path, **counted, "manifest": manifest}

    def leave(self) -> None:
        """Let go of the folder; a manifest that was not ended stays as far as it goes."""
        for text in (self._manifest, self._sums):
            if text is not None:
                with suppress(OSError):
                    text.close()
        self._manifest = self._sums = None
        for descriptor in (self._files, self._folder):
            if descriptor >= 0:
                os.close(descriptor)
        self._files = self._folder = -1

    def abandon(self) -> None:
        """There is no dump: what was made is removed."""
        if self._files >= 0:
            with suppress(OSError):
                self._clear()
        self.leave()
        if self._made:
            with suppress(OSError):
                os.rmdir(self.path)

    def _stored(self) -> int:
        return sum(1 for _ in os.scandir(self._files))


def failure(error: OSError) -> Row:
    """What a row says of a file that could not be had."""
    code = errno.errorcode.get(error.errno or 0, "unknown")
    return {"error": code, "detail": error.strerror or str(error)}


def text_of(name: bytes, key: str) -> Row:
    """A name of the target's choosing, for a row: as text, and as it is where that says less."""
    shown = name.decode("utf-8", "backslashreplace")
    told = {key: shown}
    if not shown.isprintable() or "\\" in shown:
        told[f"{key}_hex"] = name.hex()
    return told
