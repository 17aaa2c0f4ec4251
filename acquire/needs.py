"""What an acquisition takes for itself, and whether the limits that hold leave it that.

A limit that we share with the target is the target's, too: what we take of it, the target can't
have, and where memory runs out the kernel ends one of the two. So what does not fit is refused
before anybody is touched.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from msl_construct.builder.compressing_feed import WORKERS
from msl_construct.cli.error_text import is_out_of_memory
from msl_construct.codecs.compress import working_memory
from msl_construct.errors import TargetError

from .model import Limit
from .options import Options

__all__ = ["Needs", "check_tasks", "lack_refuses", "lacking", "needs", "to_hold"]

_MEMORY = 56 << 20
"""Bytes beyond what is in use when this is asked: the output's buffers, the two processes that
guard the target, the report, the evidence. Measured: 35 to 38 MiB whatever the freezing method."""
_PIECE = 6 << 20
"""Bytes of buffers for each thread that compresses. Measured with two: 8 to 14 MiB for both."""
_PER_MAPPING = 1 << 10
"""Bytes of lists and of the kernel's own for each mapping. Measured: 850, with a copy 1050."""
_PER_MAPPING_COPIED = 1280
_PER_THREAD = 4 << 10
"""Bytes for a thread's registers, which its guardian keeps."""
_TASKS = 7
"""Hashing, writing, the report, the two processes that guard the target, hashing of modules that
does not end, one to spare. Measured: 5, and one more for each thread that compresses."""
_COPIES = 2
"""A snapshot, and what makes it."""
_DESCRIPTORS = 24
"""Measured: 12."""
_STACK = 8 << 20
"""Bytes of addresses for a thread's stack."""
_SLACK = 8 << 20
_REMEDIES = {
    "memory": "acquire from outside of this control group, on the host for instance, or raise the "
    "limit",
    "tasks": "acquire from outside of what is limited so, on the host or as root for instance, or "
    "raise the limit",
    "descriptors": "raise the limit",
    "file_size": "raise the limit, --exclude mappings, or compress",
    "address_space": "raise the limit, or compress less",
}
_NOUNS = {
    "memory": "bytes of memory",
    "tasks": "processes and threads",
    "descriptors": "file descriptors",
    "file_size": "bytes in one file",
    "address_space": "bytes of addresses",
}


@dataclass(frozen=True)
class Needs:
    """What an acquisition takes.

    Attributes:
        memory, address_space, file_size: bytes; of the first two, those beyond what is in use.
        tasks: processes and threads, and `descriptors`, likewise.
    """

    memory: int
    tasks: int
    descriptors: int
    address_space: int
    file_size: int

    def of(self, kind: str) -> int:
        """What it takes of what a limit is about."""
        return int(getattr(self, kind))


def _lists(mappings: int, threads: int, each_mapping: int = _PER_MAPPING) -> int:
    """Bytes for what there is of each mapping and thread."""
    return mappings * each_mapping + threads * _PER_THREAD


def to_hold(most: int, several: int, mappings: int, threads: int) -> int:
    """Bytes that may be held for the time of the stop.

    Args:
        most: where there is little else to keep in memory.
        several: targets that are stopped together.
        mappings, threads: how many the target has.
    """
    return max(0, most // several - _lists(mappings, threads))


def needs(
    options: Options, size: int, mappings: int, threads: int, *, regular: bool, in_memory: bool
) -> Needs:
    """What an acquisition takes for itself.

    Args:
        size: at most the dump's bytes.
        mappings, threads: how many the target has.
        regular: whether it goes to a file.
        in_memory: whether that file is kept in memory (tmpfs).
    """
    workers = WORKERS if options.compress != "none" else 0
    copied = options.freeze == "snapshot"
    each_mapping = _PER_MAPPING_COPIED if copied else _PER_MAPPING
    memory = _MEMORY + _lists(mappings, threads, each_mapping)
    if workers:
        each = working_memory(options.compress, options.level, _PIECE)
        memory += workers * (each + _PIECE)
    tasks = _TASKS + workers + (_COPIES if copied else 0)
    certain = size if options.compress == "none" else 0
    return Needs(
        memory + (certain if in_memory else 0),
        tasks,
        _DESCRIPTORS,
        memory + tasks * _STACK,
        certain if regular else 0,
    )


def lacking(limits: Sequence[Limit], wanted: Needs, pid: int) -> list[TargetError]:
    """What can't be had: a refusal for each kind of limit, naming the tightest."""
    found = []
    for kind in _NOUNS:
        tight = min(
            (limit for limit in limits if limit.kind == kind),
            key=lambda limit: limit.left,
            default=None,
        )
        least = wanted.of(kind)
        if tight is None:
            continue
        if tight.shared and kind in ("memory", "tasks"):  # it must be able to go on growing
            least += _SLACK if kind == "memory" else 1
        if tight.left < least:
            shared = f", which process {pid} shares," if tight.shared else ""
            found.append(
                TargetError(
                    f"{least} {_NOUNS[kind]} are needed, and {tight.name}{shared} leaves "
                    f"{tight.left}: {tight.place} says {tight.most}, {tight.used} are in use",
                    remedy=_REMEDIES[kind],
                )
            )
    return found


def check_tasks(count: int, limits: Sequence[Limit]) -> None:
    """Start so many threads at once, and end them: not every limit can be seen.

    Args:
        limits: those that can be.

    Raises:
        TargetError: they can't be started.
    """
    end = threading.Event()
    started: list[threading.Thread] = []
    try:
        for _ in range(count):
            thread = threading.Thread(target=end.wait, name="msl-trial", daemon=True)
            thread.start()
            started.append(thread)
    except (RuntimeError, MemoryError) as error:
        known = [
            f"{limit.name} ({limit.place}: {limit.left} of {limit.most} left)"
            for limit in limits
            if limit.kind in ("tasks", "address_space", "memory")
        ]
        raise TargetError(
            f"{count} threads are needed, and the system lets us have {len(started)} ({error}); "
            f"what limits us: {', '.join(known) or 'nothing that can be seen'}",
            remedy=_REMEDIES["tasks"],
        ) from error
    finally:
        end.set()
        for thread in started:
            thread.join()


@contextmanager
def lack_refuses() -> Iterator[None]:
    """Turn what the system did not let us have into a refusal.

    Raises:
        TargetError: memory, a thread, a process or a descriptor could not be had.
    """
    try:
        yield
    except MemoryError as error:
        raise _lack("memory", "no more memory", error) from error
    except RuntimeError as error:
        if "start new thread" not in str(error):
            raise
        raise _lack("tasks", "no more threads", error) from error
    except ImportError as error:
        if not is_out_of_memory(error):
            raise
        raise _lack("memory", "no more memory", error) from error
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise _lack("memory", "no more memory", error) from error
        if error.errno == errno.EAGAIN:
            raise _lack("tasks", "no more processes", error) from error
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise _lack("descriptors", "no more file descriptors", error) from error
        raise


def _lack(kind: str, what: str, error: BaseException) -> TargetError:
    return TargetError(f"the system lets us have {what} ({error})", remedy=_REMEDIES[kind])
