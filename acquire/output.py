"""Where a dump is written to, as far as that bears on what can be written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import IO, NamedTuple

from msl_construct.builder.overlapped_output import Conveyor
from msl_construct.outputs import is_passing
from msl_construct.remote_output import is_remote

from .free_space import free_at, free_behind

__all__ = ["DumpOutput"]


class DumpOutput(NamedTuple):
    """What takes a dump.

    Attributes:
        regular: whether it is a file of a file system; else a pipe or a device.
        device: whether it is a device, which makes nobody wait.
        free: bytes that are free there; None where that is no question.
        in_memory: whether the file is kept in memory.
    """

    regular: bool
    device: bool = False
    free: int | None = None
    in_memory: bool = False

    @classmethod
    def of_file(cls, file: IO[bytes], in_memory: Callable[[int], bool]) -> DumpOutput:
        """That of a file object.

        Args:
            in_memory: tells of a device number whether its files are kept in memory.
        """
        try:
            number = file.fileno()
            found = os.fstat(number)
            if not Conveyor.is_regular(file):
                return cls(False, stat.S_ISCHR(found.st_mode))
            return cls(True, False, free_behind(number), in_memory(found.st_dev))
        except (AttributeError, OSError, ValueError):
            return cls(False)

    @classmethod
    def of_path(cls, path: str, in_memory: Callable[[int], bool]) -> DumpOutput:
        """That of a path at which there need not be anything yet."""
        if is_remote(path):
            return cls(False)
        if is_passing(path):
            return cls(False, stat.S_ISCHR(os.stat(path).st_mode))
        folder = os.path.dirname(os.path.abspath(path))
        while not os.path.isdir(folder):  # one that will be made
            folder = os.path.dirname(folder)
        return cls(True, False, free_at(folder), in_memory(os.stat(folder).st_dev))
