"""Whether there is room: for the dump where it is written, for ourselves in memory."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from typing import IO, Any

from msl_construct.builder.conveyor import Conveyor
from msl_construct.errors import TargetError

from .backend import Target
from .model import Known, Mapping, Thread
from .options import DRAFT, Options
from .tally import Tally

__all__ = ["behind", "check_limit", "check_room"]

_OWN_MEMORY = 128 << 20


def check_room(
    target: Target, file: IO[bytes], options: Options, tally: Tally, preflight: dict[str, Any]
) -> None:
    """Refuse what can't fit, before the target is touched.

    Args:
        file: where the dump goes.
        tally: knows which pages take room.
        preflight: is told what was found.

    Raises:
        TargetError: no space for the dump, or no memory for ourselves.
    """
    with contextlib.suppress(ImportError, OSError):
        import psutil

        available = psutil.virtual_memory().available
        if available < _OWN_MEMORY:
            raise TargetError(
                f"only {available} bytes of memory are available, at least {_OWN_MEMORY} are "
                "needed",
                remedy="free memory on this machine",
            )
    chosen, _ = options.selection.split(target.mappings())
    most = sum(mapping.size for mapping in chosen)
    preflight["address_space"] = most
    free = _free(file)
    if free is None:
        return
    preflight["output_free"] = free
    room = free - options.min_free
    if most <= room:
        return
    estimate = _estimate(target, chosen, tally)
    preflight["estimated_size"] = estimate
    if estimate > room and options.compress == "none":
        other = "" if options.has_not_resident else f"--untouched failed or --draft {DRAFT}, "
        raise TargetError(
            f"the dump needs about {estimate} bytes, {max(0, room)} are free for it where "
            f"it is to be written ({options.min_free} stay free)",
            remedy=f"write elsewhere, choose --compress zstd, --exclude mappings, {other}or lower "
            "--min-free",
        )


def _estimate(target: Target, chosen: Sequence[Mapping], tally: Tally) -> int:
    pages = 0
    for mapping, plan in zip(chosen, target.plans(chosen)):
        for stretch in plan:
            if tally.state_of(mapping, stretch) == "captured":
                pages += stretch.pages
    return pages * target.page_size


def _free(file: IO[bytes]) -> int | None:
    """Bytes that are free where the dump is written; None where that is no question."""
    try:
        if not Conveyor.is_regular(file):
            return None
        return shutil.disk_usage(file.fileno()).free
    except (AttributeError, OSError, ValueError):
        return None


def check_limit(options: Options, pid: int, known: Known, threads: Sequence[Thread]) -> None:
    """Refuse a limit that what must stand in front of and behind the regions exceeds.

    Args:
        threads: those that Thread Contexts are written of.

    Raises:
        TargetError: it does.
    """
    most = options.max_bytes
    registers = sum(len(thread.registers) for thread in threads)
    least = 2 * behind(known) + 128 * registers + 1024 * (len(threads) + 2)
    if most is not None and most < least:
        raise TargetError(
            f"--max-bytes {most}: process {pid} needs about {least} without its memory",
            remedy="allow more",
        )


def behind(known: Known) -> int:
    """At most what the blocks behind the regions take: a bound, and no layout."""
    texts = sum(len(m.path) * 4 + len(m.version) * 4 + len(m.native_blob) for m in known.modules)
    names = sum(len(mapping.name) * 4 for mapping in known.mappings)
    return texts + names + 512 * (len(known.modules) + 1) + 64 * len(known.mappings)
