"""A small corpus for the harness: files by `struct`, documents by the independent decoder."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rules_faults
import rules_faults_content
import rules_faults_parts
import rules_files
from independent.decode import all_blocks, decode
from independent.hashing import digest
from independent.specimens import BE10, LE10, LE11, Kind
from rules_files import Plan

from msl_construct.corpus import MANIFEST, Consumer, ExpectedVerdict, Manifest, Sample
from msl_construct.corpus import Kind as SampleKind
from msl_construct.harness import Result, Results

assert rules_faults_content
assert rules_faults_parts

DRAFTS = {True: "draft-2026-10", False: "draft-2026-03"}
ORDERS = {"<": "little", ">": "big"}

Bend = Callable[[Plan], Any]


def fault(name: str, kind: Kind) -> bytes:
    """A file with one fault."""
    (found,) = [one for one in rules_faults.FAULTS if one.name == name]
    return found.file(kind)[0]


def compressed(kind: Kind) -> bytes:
    """A file with a block that is compressed."""
    plan = rules_files.live(kind)
    plan.fields("related", compression="zstd")
    return plan.build()


def with_data(document: dict[str, Any], data: bytes) -> dict[str, Any]:
    """The document with the page data of blocks that are not compressed."""
    for block in all_blocks(document):
        extent = block["payload"].get("page_data")
        if extent is not None and "compression" not in block:
            start = int(extent["offset"], 16)
            stored = data[start : start + extent["length"]]
            extent["data"] = base64.b64encode(stored).decode()
    return document


class Corpus:
    """A folder of samples under construction."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.samples: list[Sample] = []

    def add(
        self,
        name: str,
        data: bytes,
        kind: Kind,
        *features: str,
        consumer: Consumer = Consumer.ACCEPT,
        exit_code: int = 0,
        document: bool = True,
        **fields: Any,
    ) -> Sample:
        """Write a sample and what is known of it."""
        sample = Sample(
            name=name,
            kind=SampleKind(name.partition("/")[0]),
            draft=DRAFTS[kind.revised],
            byte_order=ORDERS[kind.order],
            features=tuple(sorted(features)),
            shows=f"What {name} shows.",
            verdict=ExpectedVerdict(exit=exit_code, consumer=consumer),
            size=len(data),
            blake3=digest("blake3", data).hex(),
            document=document,
            **fields,
        )
        path = self.folder / sample.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if sample.document_file is not None:
            found = with_data(decode(data, path.name), data)
            (self.folder / sample.document_file).write_text(json.dumps(found), encoding="utf-8")
        self.samples.append(sample)
        return sample

    def manifest(self) -> Manifest:
        """Write the manifest and read it back."""
        (self.folder / MANIFEST).write_text(Manifest.text(self.samples), encoding="utf-8")
        return Manifest.load(self.folder)


def small(folder: Path) -> Manifest:
    """One sample of everything that is judged differently."""
    corpus = Corpus(folder)
    corpus.add("valid/live-10-le", rules_files.live(LE10).build(), LE10)
    corpus.add("valid/live-10-be", rules_files.live(BE10).build(), BE10, "be")
    corpus.add("valid/extended-11-le", rules_files.extended(LE11).build(), LE11, "ext")
    corpus.add("valid/zstd-11-le", compressed(LE11), LE11, "zst")
    corpus.add("valid/sealed-11-le", rules_files.encrypted(LE11).build(), LE11, "enc", exit_code=5)
    cut = fault("no_end", LE10)
    corpus.add("questionable/no-end-10-le", cut, LE10, "trunc", exit_code=4)
    odd = fault("type_unknown", LE10)
    corpus.add("questionable/unknown-10-le", odd, LE10, "unk", consumer=Consumer.EITHER)
    corpus.add(
        "invalid/magic-10-le",
        b"MEMSLIDE" + rules_files.live(LE10).build()[8:],
        LE10,
        consumer=Consumer.REJECT_FILE,
        exit_code=3,
        document=False,
    )
    corpus.add(
        "invalid/type-zero-10-le",
        fault("type_zero", LE10),
        LE10,
        consumer=Consumer.REJECT_BLOCK,
    )
    plan = rules_files.live(LE10)
    plan.values("region", page_size_log2=5)
    corpus.add("invalid/page-size-10-le", plan.build(), LE10, consumer=Consumer.REJECT_BLOCK)
    short = fault("length_79", LE10)
    corpus.add("invalid/length-79-10-le", short, LE10, consumer=Consumer.REJECT_BLOCK, exit_code=4)
    return corpus.manifest()


@pytest.fixture(scope="module", name="corpus")
def a_corpus(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The small corpus."""
    return small(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(name="one")
def a_corpus_of_one(tmp_path: Path) -> Manifest:
    """A corpus with one valid sample."""
    corpus = Corpus(tmp_path / "one")
    corpus.folder.mkdir()
    corpus.add("valid/live-10-le", rules_files.live(LE10).build(), LE10)
    return corpus.manifest()


def only(results: Results) -> Result:
    """The one result."""
    (result,) = results
    return result


RIGHT = """
import json, pathlib, sys
path = pathlib.Path(sys.argv[1])
folder = path.parents[1]
name = path.parent.name + "/" + path.stem
rows = json.loads((folder / "manifest.json").read_text())["samples"]
(row,) = [row for row in rows if row["name"] == name]
document = None
if row["document"] is not None:
    document = json.loads((folder / row["document"]).read_text())
code = row["verdict"]["exit"]
def end():
    if document is not None:
        print(json.dumps(document))
    sys.exit(code)
"""
"""Begin of a decoder that knows the answers: `document` and `code` may be changed before `end`."""


def decoder(folder: Path, body: str, *, right: bool = True) -> str:
    """The command of a decoder written in Python."""
    script = folder / f"decoder-{digest('blake3', body.encode()).hex()[:8]}.py"
    script.write_text((RIGHT if right else "") + body + ("\nend()\n" if right else ""), "utf-8")
    return f"{sys.executable} -S -E {script} {{}}"


def alive(pid: int) -> bool:
    """Whether a process runs, zombies left out."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def gone(note: Path) -> None:
    """The processes that a decoder noted are no more."""
    pids = [int(word) for word in note.read_text().split()]
    assert pids
    deadline = time.monotonic() + 60
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, f"still there: {pids}"
        time.sleep(0.02)
