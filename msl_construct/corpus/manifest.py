"""What is known of each sample, and the file that says it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from ..abbreviated import abbreviated
from ..errors import DocumentError

__all__ = [
    "KINDS",
    "MANIFEST",
    "Consumer",
    "ExpectedVerdict",
    "Kind",
    "Manifest",
    "Sample",
    "TestKey",
]

MANIFEST = "manifest.json"
"""Name of the manifest in a corpus' folder."""

_VERSION = 1
_FILE, _DOCUMENT, _OPENED = ".msl", ".json", ".opened.json"


class Kind(str, Enum):
    """What a sample is for; also the folder that it lies in."""

    VALID = "valid"
    """No rule finds fault with it."""
    INVALID = "invalid"
    """It has one fault and breaks one rule."""
    QUESTIONABLE = "questionable"
    """Legal as far as the draft goes, but the draft leaves a question open."""


class Consumer(str, Enum):
    """What a conformant consumer does with a sample."""

    ACCEPT = "accept"
    """Reads it, and finds what the expected document says."""
    REJECT_FILE = "reject-file"
    """Refuses the whole file: there is no document."""
    REJECT_BLOCK = "reject-block"
    """Must not take one block for what it says (§12): it refuses the file, or shows the block
    as the expected document does: with `damage`, or with the type `invalid`."""
    EITHER = "either"
    """May refuse it; if it reads it, it finds what the expected document says."""


@dataclass(frozen=True)
class ExpectedVerdict:
    """What is to come out for a sample.

    Attributes:
        exit: exit code of a reader that shows all it can: 0 fine, 3 no .msl, 4 incomplete,
            5 encrypted.
        consumer: what a conformant consumer does with it.
        rules: ids of the rules that it breaks, in order; of a sample that must be refused as
            a whole none, since no rule can look at it.
        offset: file offset of the first finding, None where there is none or it has none.
    """

    exit: int = 0
    consumer: Consumer = Consumer.ACCEPT
    rules: tuple[str, ...] = ()
    offset: int | None = None


KINDS = ("raw", "passphrase", "private")
"""What keys of encrypted samples are: the content key, a passphrase, a private key."""


@dataclass(frozen=True)
class TestKey:
    """What opens an encrypted sample.

    Attributes:
        kind: see `KINDS`.
        value: hexadecimal; a passphrase as it is typed.
    """

    kind: str
    value: str

    @property
    def data(self) -> bytes:
        """Its bytes, as a file of such a key holds them."""
        return self.value.encode() if self.kind == "passphrase" else bytes.fromhex(self.value)


@dataclass(frozen=True)
class Sample:
    """One sample.

    Attributes:
        name: folder and name without suffix: ``valid/live-10-le``.
        kind: what it is for.
        draft: the draft that it is written by.
        byte_order: ``little`` or ``big``.
        features: short codes of what is in it, sorted: ``be``, ``lz4``, ``cont`` …
        shows: what it shows, in a sentence.
        verdict: what is to come out for it.
        size: bytes of the file; None if it is not stored.
        blake3: hash of the file, hex; None if it is not stored.
        base: name of the sample that it differs from by its one fault.
        question: of a questionable one: what the draft leaves open.
        document: whether it has an expected document.
        stored: whether the corpus' folder holds it; else it is made when it is asked for.
        key: of an encrypted one, what opens it.
    """

    name: str
    kind: Kind
    draft: str
    byte_order: str
    features: tuple[str, ...]
    shows: str
    verdict: ExpectedVerdict
    size: int | None
    blake3: str | None
    base: str | None = None
    question: str | None = None
    document: bool = True
    stored: bool = True
    key: TestKey | None = None

    @property
    def file(self) -> str:
        """Path of the file below the corpus' folder."""
        return self.name + _FILE

    @property
    def document_file(self) -> str | None:
        """Path of the expected document below the corpus' folder."""
        return self.name + _DOCUMENT if self.document else None

    @property
    def opened_file(self) -> str | None:
        """Path of the document that is expected of whoever opens it with its key."""
        return None if self.key is None else self.name + _OPENED

    def to_json(self) -> dict[str, Any]:
        """The sample's entry in the manifest."""
        offset = self.verdict.offset
        key = {} if self.key is None else {"key": {**vars(self.key), "document": self.opened_file}}
        return {
            "name": self.name,
            "file": self.file,
            "document": self.document_file,
            "kind": self.kind.value,
            "draft": self.draft,
            "byte_order": self.byte_order,
            "features": list(self.features),
            "shows": self.shows,
            "question": self.question,
            "base": self.base,
            "verdict": {
                "exit": self.verdict.exit,
                "consumer": self.verdict.consumer.value,
                "rules": list(self.verdict.rules),
                "offset": None if offset is None else f"{offset:#x}",
            },
            "size": self.size,
            "blake3": self.blake3,
            "stored": self.stored,
            **key,
        }

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Sample:
        """The reverse of `to_json`.

        Raises:
            KeyError, TypeError, ValueError: something is missing or of another kind.
        """
        verdict = row["verdict"]
        offset = verdict["offset"]
        return cls(
            name=row["name"],
            kind=Kind(row["kind"]),
            draft=row["draft"],
            byte_order=row["byte_order"],
            features=tuple(row["features"]),
            shows=row["shows"],
            verdict=ExpectedVerdict(
                exit=verdict["exit"],
                consumer=Consumer(verdict["consumer"]),
                rules=tuple(verdict["rules"]),
                offset=None if offset is None else int(offset, 16),
            ),
            size=row["size"],
            blake3=row["blake3"],
            base=row["base"],
            question=row["question"],
            document=row["document"] is not None,
            stored=row["stored"],
            key=TestKey(row["key"]["kind"], row["key"]["value"]) if "key" in row else None,
        )


@dataclass(frozen=True)
class Manifest:
    """A corpus: its folder, and its samples in order.

    Iterating gives the samples.
    """

    folder: Path
    samples: tuple[Sample, ...] = field(default=())

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """The corpus in a folder.

        Raises:
            OSError: there is no manifest that could be read.
            DocumentError: it is no manifest.
        """
        path = folder / MANIFEST
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["manifest"] != _VERSION:
                raise DocumentError(
                    f"{path}: manifest: expected version {_VERSION}, found "
                    f"{abbreviated(found['manifest'])}"
                )
            return cls(folder, tuple(map(Sample.from_json, found["samples"])))
        except (ValueError, KeyError, TypeError) as error:
            raise DocumentError(
                f"{path}: no manifest of a sample corpus: {type(error).__name__}: {error}"
            ) from None

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def __len__(self) -> int:
        return len(self.samples)

    def of(self, kind: Kind) -> list[Sample]:
        """The samples of a kind."""
        return [sample for sample in self.samples if sample.kind is kind]

    def sample(self, name: str) -> Sample:
        """The sample of this name.

        Raises:
            KeyError: there is none.
        """
        for sample in self.samples:
            if sample.name == name:
                return sample
        raise KeyError(name)

    def data(self, sample: Sample) -> bytes:
        """The bytes of a stored sample."""
        return (self.folder / sample.file).read_bytes()

    def expected(self, sample: Sample, *, opened: bool = False) -> dict[str, Any] | None:
        """The expected document of a stored sample, page data included.

        Args:
            opened: that of whoever has its key.
        """
        name = sample.opened_file if opened else sample.document_file
        if name is None:
            return None
        text = (self.folder / name).read_text(encoding="utf-8")
        found: dict[str, Any] = json.loads(text)
        return found

    @staticmethod
    def text(samples: Iterable[Sample]) -> str:
        """The manifest's file: a sample a line."""
        rows = (json.dumps(s.to_json(), ensure_ascii=False) for s in samples)
        return f'{{"manifest": {_VERSION}, "samples": [\n' + ",\n".join(rows) + "\n]}\n"
