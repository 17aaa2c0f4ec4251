"""What the caller chooses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from msl_construct.drafts import NEWEST_DRAFT, known, schema
from msl_construct.encryption.sealing import Encryption
from msl_construct.errors import TargetError
from msl_construct.schema import Draft, Schema

from .selection import Selection

__all__ = [
    "COMPRESSIONS",
    "DRAFT",
    "HASHES",
    "MAX_EVIDENCE_FILE",
    "MAX_EVIDENCE_TOTAL",
    "MAX_FREEZE",
    "MIN_FREE",
    "UNTOUCHED",
    "Options",
]

COMPRESSIONS = ("none", "zstd", "lz4")
UNTOUCHED = ("zeros", "failed")
HASHES = {"blake3": "blake3", "sha256": "sha_256"}
"""What all hashes of a dump may be made with; the schema's names for it."""
DRAFT = NEWEST_DRAFT
"""What is written unless another draft is asked for: the older one has no word for a page that
nobody touched, and no layout for threads and for names of mappings. Its readers read this one."""
LEVELS = {"none": (0, -1), "zstd": (1, 22), "lz4": (1, 12)}
"""Lowest and highest level of each codec."""
_LARGEST = 1 << 63
_LONGEST = 1_000_000
MAX_EVIDENCE_FILE, MAX_EVIDENCE_TOTAL = 64 << 20, 1 << 30
"""Bytes of the target's own files that are copied as evidence: of one, of all."""
EVIDENCE_SECONDS = 0.25
"""The most that a target stands still longer for its evidence."""
MAX_FREEZE = 30.0
"""Seconds for which the target stands still at most unless the caller says otherwise."""
MIN_FREE = 64 << 20
"""Bytes that stay free on the output's file system unless the caller says otherwise."""


@dataclass(frozen=True)
class Options:
    """Choices of one acquisition.

    Attributes:
        freeze: how the target is stopped; empty: the system's default.
        max_freeze: seconds after which it is let go in any case; what is expected to take longer is
            refused. None: no bound.
        compress: ``none``, ``zstd`` or ``lz4``.
        level: the codec's level; None: its default.
        hash: ``blake3`` or ``sha256``: of the chain, of the whole file, and of module files.
        draft: what to write: a name, or a draft of one's own.
        untouched: what draft 2026-03 says of pages that are provably zero and without memory:
            ``zeros`` (Captured, and not read) or ``failed``. Later drafts say NotResident.
        selection: which mappings are read.
        max_bytes: size that the dump must not exceed.
        timeout: seconds for all of it.
        min_free: bytes that must stay free where the dump is written.
        evidence: whether the system's own files are kept as well, for which the target stands
            still for `evidence_seconds` more at most.
        evidence_max_file: bytes of a file of the target's own that is copied as evidence.
        evidence_max_total: bytes of all of them.
        devices: read device memory as well, which may have side effects.
        touch_shared: read absent pages of shared memory and files through the target where
            nothing else leads to them; it grows by them.
        investigation: whether the machine is described as well: its processes and connections,
            and the target's descriptors.
        examiner, case, note: for the report; the case is in the dump's System Context, too.
        encryption: encrypt the dump: with which key, and for whom.

    Raises:
        TargetError: a value that there is not.
    """

    freeze: str = ""
    max_freeze: float | None = MAX_FREEZE
    compress: str = "none"
    level: int | None = None
    hash: str = "blake3"
    draft: str | Draft = DRAFT
    untouched: str = "zeros"
    selection: Selection = field(default_factory=Selection)
    max_bytes: int | None = None
    timeout: float | None = None
    min_free: int = MIN_FREE
    evidence: bool = False
    evidence_max_file: int = MAX_EVIDENCE_FILE
    evidence_max_total: int = MAX_EVIDENCE_TOTAL
    devices: bool = False
    touch_shared: bool = False
    investigation: bool = False
    examiner: str = ""
    case: str = ""
    note: str = ""
    encryption: Encryption | None = None

    def __post_init__(self) -> None:
        for name, allowed in (
            ("compress", COMPRESSIONS),
            ("untouched", UNTOUCHED),
            ("hash", tuple(HASHES)),
            ("draft", known()),
        ):
            value = getattr(self, name)
            if value not in allowed and not isinstance(value, Draft):
                raise TargetError(f"{name} {value!r}: expected {' or '.join(allowed)}")
        header = self.schema.file_header
        if self.hash != "blake3" and "hash_algo" not in {field.key for field in header.fields}:
            raise TargetError(
                f"hash {self.hash!r}: {self.schema.name} has no place to say so, its hashes are "
                "BLAKE3",
                remedy=f"choose draft {DRAFT}",
            )
        if self.encryption is not None and self.schema.encryption_header is None:
            raise TargetError(
                f"{self.schema.name} has no encrypted files", remedy=f"choose draft {DRAFT}"
            )
        known_blocks = {block.key for block in self.schema.draft.blocks}
        if self.investigation and "process_table" not in known_blocks:
            raise TargetError(
                f"investigation: {self.schema.name} has no tables of the machine",
                remedy=f"choose draft {DRAFT}",
            )
        for name in ("max_freeze", "max_bytes", "timeout"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= _LARGEST:
                raise TargetError(f"{name} {value}: expected more than 0, and a sensible number")
        for name in ("max_freeze", "timeout"):
            value = getattr(self, name)
            if value is not None and value > _LONGEST:
                raise TargetError(f"{name} {value}: expected at most {_LONGEST} seconds")
        for name in ("min_free", "evidence_max_file", "evidence_max_total"):
            if getattr(self, name) < 0:
                raise TargetError(f"{name} {getattr(self, name)}: expected no less than 0")
        low, high = LEVELS[self.compress]
        if self.level is not None and not low <= self.level <= high:
            raise TargetError(
                f"level {self.level}: expected {low} to {high} for {self.compress}"
                if self.compress != "none"
                else f"level {self.level}: there is none without compression"
            )

    @property
    def schema(self) -> Schema:
        """The draft, in some byte order."""
        return schema(self.draft)

    @property
    def evidence_seconds(self) -> float:
        """The most that the target stands still longer for its evidence."""
        if not self.evidence:
            return 0.0
        return min(EVIDENCE_SECONDS, (self.max_freeze or math.inf) / 4)

    @property
    def hash_algo(self) -> str:
        """The schema's name of `hash`."""
        return HASHES[self.hash]

    @property
    def has_not_resident(self) -> bool:
        """Whether the draft has a word for pages that the process has no memory for."""
        return any(state.name == "not_resident" for state in self.schema.page_states.values)
