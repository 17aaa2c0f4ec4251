"""What the caller chooses."""

from __future__ import annotations

from dataclasses import dataclass, field

from msl_construct.drafts import KNOWN, NEWEST
from msl_construct.errors import TargetError
from msl_construct.schema import schema

from .selection import Selection

__all__ = ["COMPRESSIONS", "DRAFT", "MIN_FREE", "UNTOUCHED", "Options"]

COMPRESSIONS = ("none", "zstd", "lz4")
UNTOUCHED = ("zeros", "failed")
DRAFT = NEWEST
"""What is written unless another draft is asked for: the older one has no word for a page that
nobody touched, and no layout for threads and for names of mappings. Its readers read this one."""
LEVELS = {"none": (0, -1), "zstd": (1, 22), "lz4": (1, 12)}
"""Lowest and highest level of each codec."""
_LARGEST = 1 << 63
_LONGEST = 1_000_000
MIN_FREE = 64 << 20
"""Bytes that stay free on the output's file system unless the caller says otherwise."""


@dataclass(frozen=True)
class Options:
    """Choices of one acquisition.

    Attributes:
        freeze: how the target is stopped; empty: the system's default.
        max_freeze: seconds after which it is let go in any case; None: no bound.
        compress: ``none``, ``zstd`` or ``lz4``.
        level: the codec's level; None: its default.
        draft: what to write.
        untouched: what draft 2026-03 says of pages that are provably zero and without memory:
            ``zeros`` (Captured, and not read) or ``failed``. Later drafts say NotResident.
        selection: which mappings are read.
        max_bytes: size that the dump must not exceed.
        timeout: seconds for all of it.
        min_free: bytes that must stay free where the dump is written.
        devices: read device memory as well, which may have side effects.
        examiner, case, note: for the report.

    Raises:
        TargetError: a value that there is not.
    """

    freeze: str = ""
    max_freeze: float | None = None
    compress: str = "none"
    level: int | None = None
    draft: str = DRAFT
    untouched: str = "zeros"
    selection: Selection = field(default_factory=Selection)
    max_bytes: int | None = None
    timeout: float | None = None
    min_free: int = MIN_FREE
    devices: bool = False
    examiner: str = ""
    case: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for name, allowed in (
            ("compress", COMPRESSIONS),
            ("untouched", UNTOUCHED),
            ("draft", KNOWN),
        ):
            value = getattr(self, name)
            if value not in allowed:
                raise TargetError(f"{name} {value!r}: expected {' or '.join(allowed)}")
        for name in ("max_freeze", "max_bytes", "timeout"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= _LARGEST:
                raise TargetError(f"{name} {value}: expected more than 0, and a sensible number")
        for name in ("max_freeze", "timeout"):
            value = getattr(self, name)
            if value is not None and value > _LONGEST:
                raise TargetError(f"{name} {value}: expected at most {_LONGEST} seconds")
        if self.min_free < 0:
            raise TargetError(f"min_free {self.min_free}: expected no less than 0")
        low, high = LEVELS[self.compress]
        if self.level is not None and not low <= self.level <= high:
            raise TargetError(
                f"level {self.level}: expected {low} to {high} for {self.compress}"
                if self.compress != "none"
                else f"level {self.level}: there is none without compression"
            )

    @property
    def has_not_resident(self) -> bool:
        """Whether the draft has a word for pages that the process has no memory for."""
        return any(state.name == "not_resident" for state in schema(self.draft).page_states.values)
