"""Whether there is room: for the dump where it is written, for ourselves in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from msl_construct.errors import TargetError

from .estimate import Estimate, Work, estimate, too_long
from .model import Known, Limit, Thread
from .needs import lacking
from .options import DRAFT, Options
from .output import DumpOutput

__all__ = ["behind", "cache_room", "check_limit", "look", "room_to_hold"]

_PART_FOR_CACHE = 8
"""One in so many bytes of memory that are left may hold what is still to be written to disk."""
_PART_TO_HOLD = 4
"""The same of addresses that may be taken to hold memory."""


def look(
    work: Work, pid: int, options: Options, output: DumpOutput, limits: Sequence[Limit]
) -> tuple[Estimate, list[TargetError]]:
    """What an acquisition would take, and why it would be refused.

    Args:
        limits: those that hold for us.
    """
    expected = estimate(work, options, output)
    refusals = lacking([*limits, *_machine()], expected.needs, pid)
    refusals += _output(expected, options, output)
    long = too_long(work, options, output)
    if long is not None:
        refusals.append(long)
    return expected, refusals


def cache_room(limits: Sequence[Limit]) -> int:
    """Bytes of the page cache that the dump may take where that shortens the freeze.

    None of a limit that the target shares: what is cached there is taken from it. Only a part of
    what is left elsewhere: the cache of the examined machine is to stay as it was.
    """
    own = [limit for limit in limits if limit.kind == "memory"]
    machine = _machine()
    if not machine or any(limit.shared for limit in own):
        return 0
    return min(limit.left for limit in [*own, *machine]) // _PART_FOR_CACHE


def room_to_hold(limits: Sequence[Limit], expected: Estimate) -> int:
    """Bytes of our memory that may be taken to shorten the stop.

    None of a limit that the target shares, and only a part of what is left beyond our needs.
    """
    addresses = [
        limit.left - expected.needs.address_space
        for limit in limits
        if limit.kind == "address_space"
    ]
    return max(0, min([cache_room(limits), *(left // _PART_TO_HOLD for left in addresses)]))


def _machine() -> list[Limit]:
    """The machine's own memory."""
    with contextlib.suppress(ImportError, OSError):
        import psutil

        found = psutil.virtual_memory()
        used = found.total - found.available
        return [Limit("memory", "this machine", "its memory", found.total, used, shared=True)]
    return []


def _output(expected: Estimate, options: Options, output: DumpOutput) -> list[TargetError]:
    """Space where the dump is written."""
    if output.free is None or options.compress != "none":
        return []
    room = max(0, output.free - options.min_free)
    if expected.size <= room:
        return []
    other = "" if options.has_not_resident else f"--untouched failed or --draft {DRAFT}, "
    return [
        TargetError(
            f"the dump needs about {expected.size} bytes, {room} are free for it where "
            f"it is to be written ({options.min_free} stay free)",
            remedy=f"write elsewhere, choose --compress zstd, --exclude mappings, {other}or lower "
            "--min-free",
        )
    ]


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
    if known.machine is not None:
        texts += _of_machine(known)
    return texts + names + 512 * (len(known.modules) + 1) + 64 * len(known.mappings)


def _of_machine(known: Known) -> int:
    """The same of the tables of the machine."""
    assert known.machine is not None
    rows = known.machine.processes
    texts = sum(len(one.exe) + len(one.cmd) + len(one.user) for one in rows) * 4
    handles = known.facts.get("descriptors")
    paths = handles if isinstance(handles, list) else []
    texts += sum(len(one.get("target") or "") for one in paths) * 4
    return texts + 64 * (len(rows) + len(known.machine.connections) + len(paths)) + 8192
