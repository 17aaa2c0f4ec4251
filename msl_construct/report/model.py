"""What a page says of dumps: plain values, from which HTML and Markdown are made."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..analysis import DumpDifference
from ..reader.acquisition_report import Tie
from ..reader.verdict import Finding, Verdict

__all__ = [
    "Acquisition",
    "Answer",
    "BrokenRule",
    "CheckedRules",
    "DumpComparison",
    "DumpReport",
    "EntropySample",
    "Fact",
    "MemoryColumns",
    "ShownBlock",
    "ShownField",
    "Suspicion",
    "TableRows",
    "Vouching",
]


class Vouching(Protocol):
    """Who signed and who dated a dump."""

    signed: str
    dated: str
    findings: list[Finding]
    gaps: list[Finding]

    def as_json(self) -> dict[str, Any]:
        """Both answers, as ``msl verify --json`` has them."""


@dataclass(frozen=True)
class Answer:
    """The answer to one question about a dump, in plain words.

    Attributes:
        question: ``intact``, ``complete``, ``memory``, ``rules``, ``report``, ``signed`` or
            ``dated``.
        word: the answer in a word or three.
        level: ``good``, ``bad``, ``warn`` (something is missing or to be looked at) or ``open``
            (nobody asked, or nobody can know).
        text: the same in sentences.
        more: what it comes from, a line each.
    """

    question: str
    word: str
    level: str
    text: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suspicion:
    """Something that somebody should look at.

    Attributes:
        level: ``bad`` (speaks against the file), ``warn`` (speaks of the process) or ``note``.
        title: in a few words.
        text: what it means, in a sentence.
        places: where; the first few.
        more: how many places are not among them.
    """

    level: str
    title: str
    text: str
    places: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True)
class Fact:
    """A label and what is known.

    Attributes:
        group: ``what``, ``target``, ``when``, ``who`` or ``how``.
        source: ``dump``, ``file``, or ``report`` where it is known from the acquisition's report.
        note: what it is, or what is to be thought of it; of ours.
    """

    group: str
    label: str
    text: str
    source: str = "dump"
    note: str = ""


@dataclass
class BrokenRule:
    """A rule that the file breaks, with the first places.

    Attributes:
        counts: whether it decides about conformance (MUST, and no dialect explains it).
        explained_by: name of the dialect that explains it; empty: none does.
    """

    id: str
    level: str
    section: str
    wrong: str
    counts: bool
    explained_by: str
    count: int = 0
    places: list[str] = field(default_factory=list)


@dataclass
class CheckedRules:
    """What ``msl check`` found.

    Attributes:
        draft: by which the file was judged.
        rules: how many were put to it.
        broken: those that it breaks.
        gaps: what could not be looked at.
    """

    draft: str
    rules: int
    broken: list[BrokenRule] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    @property
    def counted(self) -> int:
        """Findings that count."""
        return sum(one.count for one in self.broken if one.counts)


@dataclass
class TableRows:
    """Rows of a table of ``msl inspect --show``.

    Attributes:
        name: of the table; of the acquisition's report ``report_files`` and ``report_sockets``.
        columns: of the rows.
        rows: values as the document has them.
        left_out: how many rows are not here.
    """

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    left_out: int = 0


@dataclass
class MemoryColumns:
    """All regions by address, in columns, so that a hundred thousand take little.

    Attributes:
        bases, sizes, page_sizes: of each.
        rights, types, names: numbers of texts.
        marks: bits 1: written and executed; 2: code without a file; 4: a block of it does not
            agree with its hash.
        states: names of page states; where several share a pixel, the last of them is seen.
        counts: by state, pages of each region.
        run_counts: of each region, how many runs of pages it has.
        run_pages, run_states: pages and number of the state of all runs, one behind the other.
        coarse: regions of which some runs were put together under the worst of their states.
        left_out: regions that are not here.
        totals: bytes by state, of all.
        omitted, omissions: bytes and number of the regions that were left out on purpose.
        unlisted: bytes of mappings that are in no region, and are not among those either.
        altered: captured bytes in blocks that do not agree with their hashes.
        blocks: how many blocks the regions are made of.
        texts: what the numbers stand for.
    """

    bases: array[int] = field(default_factory=lambda: array("Q"))
    sizes: array[int] = field(default_factory=lambda: array("Q"))
    page_sizes: array[int] = field(default_factory=lambda: array("Q"))
    rights: array[int] = field(default_factory=lambda: array("L"))
    types: array[int] = field(default_factory=lambda: array("L"))
    names: array[int] = field(default_factory=lambda: array("L"))
    marks: array[int] = field(default_factory=lambda: array("B"))
    states: tuple[str, ...] = ()
    counts: dict[str, array[int]] = field(default_factory=dict)
    run_counts: array[int] = field(default_factory=lambda: array("L"))
    run_pages: array[int] = field(default_factory=lambda: array("Q"))
    run_states: array[int] = field(default_factory=lambda: array("B"))
    coarse: int = 0
    left_out: int = 0
    regions: int = 0
    totals: dict[str, int] = field(default_factory=dict)
    omitted: int = 0
    omissions: int = 0
    unlisted: int = 0
    altered: int = 0
    blocks: int = 0
    texts: list[str] = field(default_factory=list)


@dataclass
class EntropySample:
    """Entropy of captured pages, in bits a byte.

    Attributes:
        regions, pages: which region, by its place, and which page of it; ascending.
        values: thirty-seconds of a bit, 0 to 255 (8 bits are 255).
        captured: pages that there are.
        unread: pages that were to be looked at and could not be.
    """

    regions: array[int] = field(default_factory=lambda: array("L"))
    pages: array[int] = field(default_factory=lambda: array("Q"))
    values: array[int] = field(default_factory=lambda: array("B"))
    captured: int = 0
    unread: int = 0


@dataclass(frozen=True)
class ShownField:
    """A field within a block.

    Attributes:
        start, length: within the block, in bytes.
        text: its value; empty for one that is redacted.
    """

    path: str
    start: int
    length: int
    text: str
    redacted: bool = False


@dataclass(frozen=True)
class ShownBlock:
    """A small block, or the file's header, with its bytes; those that are redacted are zero.

    Attributes:
        compressed: the payload is, and not among the bytes.
    """

    index: int | None
    kind: str
    offset: int
    data: bytes
    fields: tuple[ShownField, ...]
    compressed: bool = False


@dataclass
class Acquisition:
    """What the acquisition's report says.

    Attributes:
        file: the report.
        status, detail: how it ended.
        causes: why pages are not captured, how many for each cause.
        environment: names and values; values are empty where they are redacted.
        why: first addresses of regions, and why pages of them could not be read.
        from_files: how many captured pages were read from the files that are mapped.
        synchronised: whether the machine's clock was; None: it does not say.
        parents: who started the process, and who those: pid and name.
        facts: what else is shown of it.
        tables: open files and sockets.
        tie: how it agrees with the dump.
    """

    file: str
    status: str
    detail: str
    tie: Tie
    causes: str = ""
    why: dict[int, str] = field(default_factory=dict)
    from_files: int = 0
    synchronised: bool | None = None
    parents: list[tuple[str, str]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    tables: list[TableRows] = field(default_factory=list)
    environment: list[tuple[str, str]] | None = None
    suspicions: list[Suspicion] = field(default_factory=list)


@dataclass
class DumpReport:
    """Everything that the page says of one dump.

    Attributes:
        name: the file, as it was named.
        locked: why only the header could be read; empty: all could.
        verdict, checked: None where the file is locked, or could not be read to its end.
        not_vouched: whether a signature or a time stamp was given and could not be looked at.
        memory, entropy: empty where it is locked.
        blocks_left_out: why blocks besides memory are not here, and how many for each reason.
        gaps: what else could not be looked at.
    """

    name: str
    size: int
    blake3: str
    sha256: str
    draft: str
    format: dict[str, Any]
    header: dict[str, Any]
    dump_uuid: str
    locked: str = ""
    verdict: Verdict | None = None
    checked: CheckedRules | None = None
    vouching: Vouching | None = None
    not_vouched: bool = False
    acquisition: Acquisition | None = None
    facts: list[Fact] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    suspicions: list[Suspicion] = field(default_factory=list)
    tables: list[TableRows] = field(default_factory=list)
    memory: MemoryColumns = field(default_factory=MemoryColumns)
    entropy: EntropySample = field(default_factory=EntropySample)
    environment: list[tuple[str, str]] | None = None
    blocks: list[ShownBlock] = field(default_factory=list)
    blocks_left_out: dict[str, int] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)

    def table(self, name: str) -> TableRows | None:
        """One of the tables."""
        return next((one for one in self.tables if one.name == name), None)


@dataclass
class DumpComparison:
    """Two dumps, one behind the other.

    Attributes:
        a, b: numbers of the dumps.
        difference: from `analysis.diff`.
        changes: address, bytes, name of the place, whether only pointers moved; the largest.
        rows: what was added, removed or changed: part, what happened, and the row in words.
        rows_left_out: rows that are not among them.
        gaps: what could not be compared.
    """

    a: int
    b: int
    difference: DumpDifference
    changes: Sequence[tuple[int, int, str, bool]] = ()
    rows: Sequence[tuple[str, str, str]] = ()
    rows_left_out: int = 0
    gaps: Sequence[str] = ()
