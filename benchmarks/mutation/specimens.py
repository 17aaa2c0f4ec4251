"""The corpus as the trials see it: bytes in memory, and what each file is expected to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

import msl_construct
from msl_construct.corpus.manifest import Manifest, Sample
from msl_construct.document.render import Renderer
from msl_construct.errors import MslError
from msl_construct.rules import Rule, check

from .declarations import BLOCK


@dataclass
class Specimen:
    """One file of a corpus.

    Attributes:
        name: its name in the corpus.
        data: its bytes.
        expected: the canonical document, page data included; None: it must be refused.
        kind: ``valid``, ``invalid`` or ``questionable``.
        rules: ids of the rules that it breaks.
    """

    name: str
    data: bytes
    expected: dict[str, Any] | None
    kind: str = "valid"
    rules: tuple[str, ...] = ()

    @property
    def draft(self) -> str | None:
        """The draft that it is read with; None where it is refused."""
        return None if self.expected is None else str(self.expected["format"]["draft"])

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Its blocks in the document, those of segments included."""
        if self.expected is None:
            return []
        segments = (block for s in self.expected["segments"] for block in s["blocks"])
        return [*self.expected["blocks"], *segments]

    @cached_property
    def tokens(self) -> frozenset[str]:
        """All texts of the document."""
        return frozenset(_texts(self.expected))

    @cached_property
    def block_types(self) -> frozenset[str]:
        """Types of its blocks, as the document shows them."""
        return frozenset(block["block_type"] for block in self.blocks)

    @cached_property
    def compressed(self) -> bool:
        """Whether a block says that it is."""
        return any("compressed" in block["flags"] for block in self.blocks)

    @cached_property
    def encrypted(self) -> bool:
        """Whether it has an encryption header."""
        return self.expected is not None and "encryption" in self.expected["header"]

    def as_found(self) -> bool:
        """Whether it is read as expected, with the drafts that are known at the moment.

        Raises:
            Exception: the declarations make no sense for this file.
        """
        try:
            with msl_construct.open(self.data) as dump:
                if self.expected is None:
                    return False
                dump.name = self.expected["file"]["name"]
                return _matches(dump, self.expected)
        except MslError:
            return self.expected is None

    def as_judged(self, rules: Sequence[Rule]) -> bool:
        """Whether it breaks the rules that the corpus says, of those that are given."""
        try:
            with msl_construct.open(self.data) as dump:
                return tuple(finding.rule.id for finding in check(dump, rules=rules)) == self.rules
        except MslError:
            return self.expected is None


def _matches(dump: Any, expected: dict[str, Any]) -> bool:
    from msl_construct.document.render import plain

    for key, value in Renderer(with_data=True).parts(dump):
        wanted = expected[key]
        if key == "blocks":
            count = 0
            for block in value:
                if count >= len(wanted) or plain(block) != wanted[count]:
                    return False
                count += 1
            if count != len(wanted):
                return False
        elif plain(value) != wanted:
            return False
    return True


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) < 100:
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def touched_by(specimen: Specimen, structure: tuple[Any, ...], code_names: dict[int, str]) -> bool:
    """Whether a structure is decoded at all when a file is read.

    It is a matter of what stands in the file: a payload is decoded where there is a block of
    its type, the framing of compressed payloads where a block is compressed.
    """
    if structure[0] == BLOCK:
        return code_names.get(structure[1]) in specimen.block_types
    if structure[0] == "compressed_payload":
        return specimen.compressed
    return structure[0] != "encryption_header" or specimen.encrypted


_OTHER_LAYOUTS = frozenset(("early", "layouts-2026-10"))


def of_corpus(folder: FilePath) -> list[Specimen]:
    """The stored samples of a corpus, but for those that only a dialect explains.

    Faults are those of drafts; a dialect of layouts has structures that are bound apart.
    """
    manifest = Manifest.load(folder)
    found = [_specimen(manifest, sample) for sample in manifest if sample.stored]
    return [one for one in found if not _of_other_layouts(one.expected)]


def _of_other_layouts(document: dict[str, Any] | None) -> bool:
    return document is not None and document["format"].get("dialect") in _OTHER_LAYOUTS


def _specimen(manifest: Manifest, sample: Sample) -> Specimen:
    return Specimen(
        sample.name,
        manifest.data(sample),
        manifest.expected(sample),
        sample.kind.value,
        sample.verdict.rules,
    )


def _rules(data: bytes) -> tuple[str, ...]:
    try:
        with msl_construct.open(data) as dump:
            return tuple(finding.rule.id for finding in check(dump))
    except MslError:
        return ()


def as_read(files: Iterable[tuple[str, bytes]], kind: str = "valid") -> list[Specimen]:
    """Files without a manifest: what is expected of them is what they are read as now."""
    found = []
    for name, data in files:
        try:
            with msl_construct.open(data) as dump:
                dump.name = name
                expected = Renderer(with_data=True).document(dump)
        except MslError:
            expected = None
        found.append(Specimen(name, data, expected, kind, _rules(data)))
    return found
