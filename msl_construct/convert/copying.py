"""Writing captured runs: by the kernel, from file to file, where nothing stands in between."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import IO

from ..errors import MemoryAccessError
from ..source import PathSource
from ..space import AddressSpace, LayeredSpace
from .memory_runs import pieces_of, put_sparsely

__all__ = ["RunWriter"]

_BLOCK = 1 << 16
_LOOK = 4 * _BLOCK
"""How far looks for zeros stand apart; where there is one, what lies between is looked at, too."""
_AT_ONCE = 64 << 20
_ZEROS = bytes(_BLOCK)
_CAN_NOT = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM)

_Stretch = tuple[int, int, int]
"""Descriptor, offset and length."""


class RunWriter:
    """Puts captured runs into a file, one behind the other.

    Bytes that a dump stores as they are go from file to file without passing through this
    process. Long stretches of zeros become holes of the file, where it can have some.

    Args:
        space: whose memory it is.
        file: is written from where it stands.
        seekable: whether holes can be left in it.
    """

    def __init__(self, space: AddressSpace, file: IO[bytes], seekable: bool) -> None:
        self._space, self._file, self._seekable = space, file, seekable
        self._by_kernel = seekable and hasattr(os, "copy_file_range") and _has_descriptor(file)

    def put(self, address: int, length: int) -> None:
        """Write the bytes of a captured run.

        Raises:
            MemoryAccessError: they are not all captured any more.
            OSError: it can't be written.
        """
        stretches = self._stored(address, length) if self._by_kernel else None
        if stretches is None:
            for piece in pieces_of(self._space, address, length):
                put_sparsely(self._file, piece, self._seekable)
            return
        self._file.flush()
        target, at = self._file.fileno(), self._file.tell()
        for source, offset, size in stretches:
            for start, stop in _with_data(source, offset, size):
                copied = self._copy(source, start, target, at + start - offset, stop - start)
                if copied < stop - start:  # the kernel can't, and we have to
                    os.lseek(target, at + start - offset + copied, os.SEEK_SET)
                    _by_hand(source, start + copied, target, stop - start - copied)
            at += size
        self._file.seek(at)

    def _stored(self, address: int, length: int) -> Sequence[_Stretch] | None:
        """Where the bytes stand in files; None where they don't stand there as they are."""
        if not isinstance(self._space, LayeredSpace):
            return None
        found = []
        for source, offset, size in self._space.places(address, length):
            if not isinstance(source, PathSource):
                return None
            found.append((source.fileno(), offset, size))
        return found if sum(size for _, _, size in found) == length else None

    def _copy(self, source: int, start: int, target: int, at: int, size: int) -> int:
        """How many bytes the kernel copied."""
        done = 0
        while done < size and self._by_kernel:
            try:
                count = os.copy_file_range(
                    source, target, min(_AT_ONCE, size - done), start + done, at + done
                )
            except OSError as error:
                if error.errno not in _CAN_NOT:
                    raise
                self._by_kernel = False
                break
            if not count:
                raise _shorter(size - done, start + done)
            done += count
        return done


def _has_descriptor(file: IO[bytes]) -> bool:
    try:
        return file.fileno() >= 0
    except (OSError, AttributeError):
        return False


def _shorter(size: int, offset: int) -> MemoryAccessError:
    return MemoryAccessError(f"{size} bytes at offset {offset:#x}: the file has become shorter")


def _with_data(source: int, offset: int, size: int) -> list[tuple[int, int]]:
    """The stretches of a stored run that are not long zeros: where they begin and end."""
    found: list[tuple[int, int]] = []
    start = offset
    whole = offset + size - size % _BLOCK
    for wide in range(offset, whole, _LOOK):
        # A look at one byte spares reading nearly all that is not zero.
        if os.pread(source, 1, wide) != b"\0":
            continue
        for at in range(wide, min(wide + _LOOK, whole), _BLOCK):
            if os.pread(source, 1, at) == b"\0" and os.pread(source, _BLOCK, at) == _ZEROS:
                if at > start:
                    found.append((start, at))
                start = at + _BLOCK
    if start < offset + size:
        found.append((start, offset + size))
    return found


def _by_hand(source: int, start: int, target: int, size: int) -> None:
    while size:
        data = os.pread(source, min(_AT_ONCE >> 3, size), start)
        if not data:
            raise _shorter(size, start)
        view = memoryview(data)
        while view:
            view = view[os.write(target, view) :]
        start += len(data)
        size -= len(data)
