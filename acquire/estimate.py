"""What an acquisition would take, before anybody is touched."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from msl_construct.errors import TargetError

from .backend import Target
from .model import EXECUTE, READ, WRITE, Action, Mapping
from .needs import Needs, needs
from .options import DRAFT, Options
from .output import DumpOutput
from .rates import COPYING, Rates, rates

__all__ = ["Estimate", "Work", "estimate", "too_long", "work_of"]

_STOPPING = 0.01
_PER_THREAD = 100e-6
_PER_MAPPING = 20e-6
_MARGIN = 1.5
"""How much more than what is expected is suggested for --max-freeze."""


class Work(NamedTuple):
    """What there is to do about the chosen mappings of a target, in pages.

    Attributes:
        page_size: bytes of a page.
        mappings, threads: how many the target has.
        read: pages that are read.
        untouched: pages that nobody touched, and the target may access.
        others: pages of which no draft stores anything.
        largest: the mapping with most of the first two.
        largest_read, largest_untouched: its pages.
    """

    page_size: int
    mappings: int
    threads: int
    read: int = 0
    untouched: int = 0
    others: int = 0
    largest: Mapping | None = None
    largest_read: int = 0
    largest_untouched: int = 0

    def without_largest(self) -> Work:
        """What is left if that is excluded."""
        return self._replace(
            read=self.read - self.largest_read, untouched=self.untouched - self.largest_untouched
        )

    def zeros(self, options: Options) -> int:
        """Pages that are stored as zeros."""
        stored = not options.has_not_resident and options.untouched == "zeros"
        return self.untouched if stored else 0

    def size(self, options: Options) -> int:
        """Bytes of the dump, uncompressed."""
        return (self.read + self.zeros(options)) * self.page_size


@dataclass(frozen=True)
class Estimate:
    """What an acquisition would take.

    Attributes:
        mappings, threads: how many the target has.
        page_size: bytes of a page.
        read, zeros, not_stored: pages that would be read; that would be stored as zeros without
            being read; of which nothing would be stored.
        size: at most the bytes of the dump; compressed it is smaller.
        freeze: seconds for which the target would stand still; 0 if it is not stopped at all.
        waits: whether it would, besides, wait for whoever takes the output (a pipe).
        needs: what the acquirer takes for itself.
        refusals: why it would be refused, each with what to do; empty if it would not.
    """

    mappings: int
    threads: int
    page_size: int
    read: int
    zeros: int
    not_stored: int
    size: int
    freeze: float
    waits: bool
    needs: Needs
    refusals: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """All of it, as a JSON object."""
        return asdict(self)


def work_of(target: Target, mappings: Sequence[Mapping], options: Options, threads: int) -> Work:
    """Look what there is to do; nothing is read."""
    chosen, _ = options.selection.split(mappings)
    read = untouched = others = 0
    largest: tuple[int, Mapping | None, int, int] = (0, None, 0, 0)
    for mapping, plan in zip(chosen, target.plans(chosen)):
        its_read = its_untouched = 0
        for stretch in plan:
            if stretch.action is Action.READ:
                its_read += stretch.pages
            elif stretch.action is Action.UNTOUCHED and mapping.protection & _ACCESS:
                its_untouched += stretch.pages
            else:
                others += stretch.pages
        read += its_read
        untouched += its_untouched
        if its_read + its_untouched > largest[0]:
            largest = (its_read + its_untouched, mapping, its_read, its_untouched)
    return Work(target.page_size, len(mappings), threads, read, untouched, others, *largest[1:])


_ACCESS = READ | WRITE | EXECUTE


def estimate(work: Work, options: Options, output: DumpOutput) -> Estimate:
    """What the work takes with these options."""
    size = work.size(options)
    zeros = work.zeros(options)
    return Estimate(
        work.mappings,
        work.threads,
        work.page_size,
        work.read,
        zeros,
        work.others + work.untouched - zeros,
        size,
        _freeze(work, options, output),
        not output.regular and not output.device,
        needs(
            options,
            size,
            work.mappings,
            work.threads,
            regular=output.regular,
            in_memory=output.in_memory,
        ),
    )


def _freeze(work: Work, options: Options, output: DumpOutput) -> float:
    """Seconds for which the target stands still."""
    if options.freeze == "none":
        return 0.0
    standing = _STOPPING + _PER_THREAD * work.threads + _PER_MAPPING * work.mappings
    if options.freeze == "snapshot":
        return standing + work.read * work.page_size * COPYING
    disk = output.regular and not output.in_memory
    fast: Rates = rates(options.compress, options.level, options.hash_algo, disk=disk)
    return (
        standing
        + options.evidence_seconds
        + work.read * work.page_size / fast.reading
        + work.zeros(options) * work.page_size / fast.zeros
    )


def too_long(work: Work, options: Options, output: DumpOutput) -> TargetError | None:
    """The refusal of what would stop the target for longer than it may; None if it would not.

    What is suggested was tried: with it the target stands still for less than the bound.
    """
    bound = options.max_freeze
    expected = _freeze(work, options, output)
    if bound is None or expected <= bound:
        return None
    least = max(work.size(options) / (1 << 20), 1)
    seconds = f"{expected:.0f}" if expected >= 10 else f"{expected:.2g}"
    return TargetError(
        f"the target would stand still for about {seconds} s ({least:.0f} MiB to write), and "
        f"--max-freeze is {bound:g} s",
        remedy="; or ".join(_shorter(work, options, output, bound, expected)),
    )


def _shorter(
    work: Work, options: Options, output: DumpOutput, bound: float, expected: float
) -> Iterator[str]:
    """Choices with which the target stands still for less than `bound`."""
    changes: dict[str, dict[str, Any]] = {
        f"--draft {DRAFT}": {"draft": DRAFT},
        "--untouched failed": {"untouched": "failed"},
        "no --level": {"level": None},
        "--compress none": {"compress": "none", "level": None},
        f"--draft {DRAFT} and --compress none": {
            "draft": DRAFT, "compress": "none", "level": None,
        },
    }  # fmt: skip
    found = False
    for text, change in changes.items():
        if all(getattr(options, name) == value for name, value in change.items()):
            continue
        if found and " and " in text:
            continue
        if _freeze(work, replace(options, **change), output) < bound:
            found = True
            yield text
    left = work.without_largest()
    if work.largest is not None and _freeze(left, options, output) < bound:
        yield f"--exclude address:{work.largest.start:#x}-{work.largest.end:#x}"
    yield f"--max-freeze {math.ceil(expected * _MARGIN)}, if it may stand still so long"
    yield "--freeze none, which reads pages at different times"
