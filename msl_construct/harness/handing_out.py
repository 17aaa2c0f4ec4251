"""Samples for a decoder under test: copies, of which is seen afterwards what it did to them."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..corpus.manifest import MANIFEST, Manifest, Sample
from ..errors import DocumentError
from ..hashing import new_hasher
from ..source import PathSource

__all__ = ["HandedOut", "handed_out", "prepare"]

_READ_ONLY = 0o444


@dataclass(frozen=True)
class HandedOut:
    """A sample as a decoder gets it.

    Attributes:
        path: the copy, of the same name in a folder of its own.
        sample: what it is a copy of.
        original: the sample in the corpus.
    """

    path: Path
    sample: Sample
    original: Path
    _before: tuple[int, ...]

    def changes(self) -> str:
        """What the decoder did to its copy, in words; nothing if it left it alone.

        Raises:
            DocumentError: it found its way to the corpus, and changed the sample there.
        """
        if _identity(self.original) != self._before:
            raise DocumentError(
                f"{self.original}: changed while a decoder ran, which was given a copy of it: "
                "generate the corpus anew"
            )
        try:
            found = self.path.lstat()
        except OSError:
            return "removed its file"
        if not stat.S_ISREG(found.st_mode):
            kind = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "something that is no file"
            return f"replaced its file by {kind}"
        if found.st_size != self.sample.size:
            return f"changed its file: expected {self.sample.size} bytes, found {found.st_size}"
        return "" if _hash(self.path) == self.sample.blake3 else "changed bytes of its file"


@contextmanager
def handed_out(manifest: Manifest, sample: Sample, place: Path) -> Iterator[HandedOut]:
    """A copy of a sample that nobody else uses; gone afterwards.

    It stands as in the corpus: in the folder of its kind, beside its expected document, below
    the manifest. All of these are copies.

    Args:
        manifest: the corpus.
        sample: one of it.
        place: a folder for copies, in which `prepare` was called.

    Raises:
        DocumentError: the file is not the one that the manifest describes: a corpus that was
            changed would judge decoders by what it no longer holds.
        OSError: it can't be read or copied.
    """
    original = manifest.folder / sample.file
    identity, size = _identity(original), original.stat().st_size
    if size != sample.size:
        raise DocumentError(f"{original}: expected {sample.size} bytes, found {size}")
    if _hash(original) != sample.blake3:
        raise DocumentError(f"{original}: expected BLAKE3 {sample.blake3}, found another")
    folder = Path(tempfile.mkdtemp(dir=place))
    try:
        copy = folder / sample.file
        copy.parent.mkdir(parents=True)
        _copy(original, copy)
        copy.chmod(_READ_ONLY)
        with suppress(OSError):  # only a decoder that knows the answers needs them
            os.symlink(place / MANIFEST, folder / MANIFEST)
            if sample.document_file is not None:
                shutil.copyfile(
                    manifest.folder / sample.document_file, folder / sample.document_file
                )
        yield HandedOut(copy, sample, original, identity)
    finally:
        _removed(folder)


def prepare(manifest: Manifest, place: Path) -> None:
    """Put into a folder for copies what they all have in common."""
    shutil.copyfile(manifest.folder / MANIFEST, place / MANIFEST)


def _identity(path: Path) -> tuple[int, ...]:
    """What shows that a file, or what a link leads to, is another one or was written to."""
    return tuple(
        part
        for found in (path.lstat(), path.stat())
        for part in (
            *(found.st_mode, found.st_dev, found.st_ino),
            *(found.st_size, found.st_mtime_ns),
        )
    )


def _hash(path: Path) -> str:
    hasher = new_hasher()
    source = PathSource(path)
    try:
        for piece in source.pieces(0, source.size):
            hasher.update(piece)
    finally:
        source.close()
    return hasher.digest().hex()


def _copy(original: Path, copy: Path) -> None:
    """Copy a file; what is a hole in it is one in the copy, where the system says which is."""
    with original.open("rb", 0) as source, copy.open("xb", 0) as target:
        size = os.fstat(source.fileno()).st_size
        position = 0
        while position < size:
            begin, end = _data(source.fileno(), position, size)
            source.seek(begin)
            target.seek(begin)
            while begin < end:
                piece = source.read(min(end - begin, 1 << 20))
                if not piece:
                    break
                begin += target.write(piece)
            position = end
        target.truncate(size)


def _data(descriptor: int, position: int, size: int) -> tuple[int, int]:
    """Where the next data begins and ends."""
    if not hasattr(os, "SEEK_DATA"):
        return position, size
    try:
        begin = os.lseek(descriptor, position, os.SEEK_DATA)
        return begin, os.lseek(descriptor, begin, os.SEEK_HOLE)
    except OSError as error:
        # ENXIO: there is nothing but a hole; else the file system can't say where holes are.
        return (size if error.errno == errno.ENXIO else position), size


def _removed(folder: Path) -> None:
    """Remove a folder, also what a decoder locked or left in it."""
    for where, folders, _ in os.walk(folder):
        for name in folders:
            with suppress(OSError):
                os.chmod(os.path.join(where, name), stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
