"""What an export leaves unsaid, so that somebody says it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .memory_runs import described, holes_of
from .process import CapturedProcess

__all__ = ["Told", "Written"]


@dataclass
class Told:
    """What an export can't say, or says without anybody's knowing.

    Attributes:
        threads: those that have no registers, by ID: why.
        registers: names of general registers that nobody knows and that are written as zero,
            by the ID of the thread.
        left_out: registers that the format has no place for, by the ID of the thread.
        partial: IDs of threads that have more registers than their source holds.
        files: mapped files that are not told of, as nobody knows their offset.
        fields: names of what is 0 in the file because nobody knows it.
        auxiliary: how the auxiliary vector was found; empty: it was not.
    """

    threads: dict[int, str] = field(default_factory=dict)
    registers: dict[int, list[str]] = field(default_factory=dict)
    left_out: dict[int, list[str]] = field(default_factory=dict)
    partial: list[int] = field(default_factory=list)
    files: list[tuple[int, str]] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    auxiliary: str = ""


@dataclass(frozen=True)
class Written:
    """What became of an export.

    Attributes:
        runs: how many captured runs there are.
        memory: their bytes.
        size: bytes of the file.
        told: what it can't say.
    """

    process: CapturedProcess
    runs: int
    memory: int
    size: int
    told: Told

    def lines(self) -> Iterator[dict[str, Any]]:
        """What is not in the file, a hole each."""
        return map(described, holes_of(self.process))
