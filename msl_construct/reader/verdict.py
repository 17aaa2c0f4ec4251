"""What verifying a file came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..drafts.dialects import Recognition
from ..words import many

__all__ = ["Finding", "Verdict", "finding_rows"]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it must be.

    Attributes:
        kind: for findings ``chain``, ``file_hash``, ``block_count``, ``segment``,
            ``block_type``; for gaps ``no_end_of_capture``, ``truncated``, ``trailing``,
            ``unrecorded`` (a hash that the producer left out), ``hash_algo``, ``file_hash``,
            ``not_inflated``, ``header_changed`` (since it was hashed, as a dialect knows it).
        text: the same for people, with what was expected and found.
        offset: file offset, where there is one.
        block: index of the block, where there is one; of ``chain`` that whose PrevHash it is.
        bytes: of ``chain``, offset and length of the bytes that are not what was written.
        addresses: first address of these and the first behind, where they are of some.
    """

    kind: str
    text: str
    offset: int | None = None
    block: int | None = None
    bytes: tuple[int, int] | None = None
    addresses: tuple[int, int] | None = None

    def as_json(self) -> dict[str, object]:
        """As ``msl verify --json`` has it."""
        shown: dict[str, object] = {
            "kind": self.kind,
            "offset": None if self.offset is None else f"{self.offset:#x}",
            "block": self.block,
            "text": self.text,
        }
        if self.bytes is not None:
            shown["bytes"] = [f"{self.bytes[0]:#x}", self.bytes[1]]
        if self.addresses is not None:
            shown["addresses"] = [f"{address:#x}" for address in self.addresses]
        return shown


def finding_rows(findings: Iterable[Finding]) -> list[dict[str, object]]:
    """Findings or gaps, as ``msl verify --json`` has them."""
    return [finding.as_json() for finding in findings]


@dataclass
class Verdict:
    """The outcome of `verify`.

    Attributes:
        blocks: how many were checked.
        findings: what speaks against the file being intact.
        gaps: what speaks against it being complete, and what could not be looked at.
        file_hash: ``match``, ``mismatch``, ``absent`` (no End-of-Capture) or ``unchecked``.
        stored_file_hash: FileHash as the End-of-Capture has it; None without one.
        segments: how many extension segments hold.
        recognition: which dialect the capture is in.
        authenticated: whether the file is encrypted and its tag matches: nobody without the key
            has written or changed any of it.
        unprotected: index of the last block, where no hash covers it: a limit of the format.
        file_hash_covers: how many blocks FileHash covers; None: it was not compared.
        behind_file_hash: how many blocks of the capture stand behind the End-of-Capture, the first
            of several, so that FileHash says nothing of them. Those of segments are not counted.
    """

    blocks: int = 0
    findings: list[Finding] = field(default_factory=list)
    gaps: list[Finding] = field(default_factory=list)
    file_hash: str = "absent"
    stored_file_hash: bytes | None = None
    segments: int = 0
    unprotected: int | None = None
    file_hash_covers: int | None = None
    behind_file_hash: int = 0
    authenticated: bool = False
    recognition: Recognition = field(default_factory=Recognition)

    @property
    def intact(self) -> bool | None:
        """Whether everything that is there agrees with its hashes and counts.

        None: nothing speaks against it, but no hash could be checked.
        """
        if self.findings:
            return False
        return None if any(gap.kind == "hash_algo" for gap in self.gaps) else True

    @property
    def complete(self) -> bool:
        """Whether the acquirer finished, nothing but blocks follows, and all could be looked at."""
        return not self.gaps

    @property
    def coverage(self) -> str:
        """What is to be said of blocks that FileHash does not cover; empty: there are none."""
        if not self.behind_file_hash:
            return ""
        covers = self.file_hash_covers
        counted = "" if covers is None else f"FileHash covers {covers} of {self.blocks} blocks: "
        whoever = "whoever has the key" if self.authenticated else "anybody"
        return (
            f"{counted}{many(self.behind_file_hash, 'block')} behind the End-of-Capture "
            f"could be added by {whoever}, and FileHash would be the same (§4.5)"
        )

    def as_json(self) -> dict[str, object]:
        """As ``msl verify --json`` has it."""
        shown: dict[str, object] = {
            "intact": self.intact,
            "complete": self.complete,
            "blocks": self.blocks,
            "segments": self.segments,
            "file_hash": self.file_hash,
            "file_hash_covers": self.file_hash_covers,
            "behind_file_hash": self.behind_file_hash,
            "unprotected_block": self.unprotected,
            "authenticated": self.authenticated,
            "findings": finding_rows(self.findings),
            "gaps": finding_rows(self.gaps),
        }
        if self.recognition.dialect is not None:
            shown["dialect"] = self.recognition.name
            shown["producer"] = self.recognition.producer
            shown["recognised_by"] = list(self.recognition.reasons)
        elif self.recognition.possible:
            shown["dialect"] = shown["producer"] = None
            shown["possible_producers"] = list(self.recognition.possible)
        return shown

    def __str__(self) -> str:
        if self.findings:
            return f"not intact: {self.findings[0].text}"
        if self.intact is None:
            return f"not checked: {self.gaps[0].text}"
        if not self.complete:
            return f"intact but incomplete: {self.gaps[0].text}"
        return f"intact and complete: {self.blocks} blocks"
