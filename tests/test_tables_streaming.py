"""Tables of any length take the memory of a short one, in every output."""

from __future__ import annotations

import io
import json
import os
import random
import resource
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from commands import PLACE, run
from independent import wire, wire_dialects
from independent.specimens import LE11, finish, start
from sampling import sampled

import msl_construct
from msl_construct.document.table_blocks import TableBlocks, regions_of
from msl_construct.errors import LimitError, StreamError
from msl_construct.reader import open_listing
from msl_construct.reader.regions import assemble
from msl_construct.schema.entries import HELD, Entries

PEAK = """
import resource, runpy, sys
sys.argv = ["msl", *sys.argv[1:]]
try:
    runpy.run_module("msl_construct", run_name="__main__")
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""
ROWS = 1500, 9000
MANY_BLOCKS, MANY_ROWS = 200_000, 1_000_000
SPACE = 160 << 20
MORE = 6 << 10  # KiB that seven times the rows may take on top


def hints(count: int) -> bytes:
    builder = start(LE11)
    for number in range(count):
        builder.add(wire.KEY_HINT, wire.key_hint("<", region_offset=number))
    return finish(builder, LE11)


def mappings(count: int) -> bytes:
    builder = start(LE11)
    rows = (wire.vas_entry("<", base_addr=number << 12) for number in range(count))
    builder.add(wire.VAS_MAP, wire.vas_map("<", rows))
    return finish(builder, LE11)


def regions(count: int) -> bytes:
    builder = start(LE11)
    for number in range(count):
        builder.add(wire.MEMORY_REGION, wire.memory_region("<", (1, 2), base_addr=number << 16))
    return finish(builder, LE11)


def peak(path: Path, words: str, *, piped: bool) -> int:
    """KiB that a command takes at most."""
    with path.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-c", PEAK, "inspect", *words.split(), "-" if piped else str(path)],
            env={**os.environ, "PYTHONPATH": str(PLACE)},
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=True,
        )
    return int(done.stderr.split()[-1])


def facts(count: int) -> bytes:
    """Rows that a producer does not count."""
    builder = start(LE11)
    rows = [wire_dialects.tagged("<", 7, struct.pack("<Q", number)) for number in range(count)]
    builder.add(wire_dialects.TARGET_INTROSPECTION, wire_dialects.introspection("<", rows))
    return finish(builder, LE11)


MADE = {"hints": hints, "mappings": mappings, "regions": regions, "facts": facts}
FACTS = "--dialect memslicer-0.5"


@pytest.mark.skipif(sys.platform != "linux", reason="measures in KiB as Linux does")
@sampled("make", "piped")
@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        ("hints", "--csv --show index"), ("hints", "--json --show hints"), ("hints", ""),
        ("regions", "--csv --show regions"), ("regions", "--yaml --show pages"), ("regions", ""),
        ("mappings", "--json --offsets"), ("mappings", "--yaml"),
        ("mappings", "--csv --show mappings"), ("facts", f"--json {FACTS}"),
    ],
)  # fmt: skip
def test_memory_does_not_grow_with_rows(make: str, words: str, piped: bool, tmp_path: Path) -> None:
    peaks = []
    for count in ROWS:
        path = tmp_path / f"{count}.msl"
        path.write_bytes(MADE[make](count))
        peaks.append(peak(path, words, piped=piped))
    assert peaks[1] - peaks[0] < MORE, peaks


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
@pytest.mark.skipif(not os.environ.get("MSL_LARGE"), reason="needs MSL_LARGE=1, and minutes")
@sampled()
@pytest.mark.parametrize(
    ("make", "words"),
    [
        ("hints", "--csv --show index"), ("hints", ""), ("regions", "--csv --show regions"),
        ("regions", ""), ("mappings", "--csv --show mappings"), ("mappings", ""),
    ],
)  # fmt: skip
def test_a_piped_dump_of_any_length_takes_the_address_space_of_a_short_one(
    make: str, words: str, tmp_path: Path
) -> None:
    """Two hundred thousand blocks, or a million rows."""
    (tmp_path / "a.msl").write_bytes(MADE[make](MANY_ROWS if make == "mappings" else MANY_BLOCKS))
    with (tmp_path / "a.msl").open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "msl_construct", "inspect", *words.split(), "-"],
            env={**os.environ, "PYTHONPATH": str(PLACE)}, stdin=file, capture_output=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE)),
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.count(b"\n")
    assert lines > (MANY_BLOCKS if make != "mappings" else MANY_ROWS if words else 5)


def test_page_data_of_a_pipe_passes_by() -> None:
    """It is neither kept nor made up: whoever asks for it is told."""
    builder = start(LE11)
    data = random.Random(2).randbytes(20 << 12)
    body = wire.memory_region("<", [0] * 20, base_addr=1 << 20, page_data=data)
    builder.add(wire.MEMORY_REGION, body)
    stored = finish(builder, LE11)
    for whole in (stored, stored[: len(stored) - 200], stored[:30_000], stored[:100]):
        with msl_construct.open(whole) as dump, open_listing(io.BytesIO(whole)) as listed:
            assert listed.ending == dump.ending
            assert [b.header for b in listed.blocks] == [b.header for b in dump.blocks]
            assert [r.counts for r in listed.regions] == [r.counts for r in dump.regions]
            assert (listed.trailing is None) == (dump.trailing is None)
            for block in listed.blocks.of_type("memory_region"):
                with pytest.raises(StreamError, match="has gone by"):
                    bytes(block.payload["page_data"])
                with pytest.raises(StreamError, match="has gone by"):
                    listed.memory.read((1 << 20) + (10 << 12), 16)


def test_what_is_kept_of_a_pipe_has_a_limit() -> None:
    data = hints(100)
    with pytest.raises(LimitError, match=r"max_spool \(--max-spool\)"):
        open_listing(io.BytesIO(data), max_spool=len(data) // 2)


def test_long_tables_are_what_they_were() -> None:
    count = HELD + 700
    with msl_construct.open(mappings(count)) as dump:
        (block,) = dump.capture_blocks.of_type("vas_map")
        entries = block.payload["entries"]
        assert isinstance(entries, Entries)
        assert len(entries) == count
        assert [e["base_addr"] >> 12 for e in entries] == list(range(count))
        assert [entries[i]["base_addr"] >> 12 for i in (0, 255, 256, count - 1, -1)] == [
            0, 255, 256, count - 1, count - 1,
        ]  # fmt: skip
        assert entries == list(entries)
        assert [e["base_addr"] >> 12 for e in entries[5:8]] == [5, 6, 7]


def test_long_rows_that_nothing_counts_are_what_they_were(tmp_path: Path) -> None:
    count = HELD + 700
    data = facts(count)
    with msl_construct.open(data, dialect="memslicer-0.5") as dump:
        (block,) = (one for one in dump.capture_blocks if one.key == "target_introspection")
        assert isinstance(block.payload["rows"], Entries)
        assert [row["value"]["value"] for row in block.payload["rows"]] == list(range(count))
    document = run("inspect", *FACTS.split(), "--json", "--with-data", "-", data=data).stdout
    assert json.loads(document)["blocks"][-2]["payload"]["rows"][-1]["value"] == {
        "value": count - 1
    }
    (tmp_path / "a.json").write_bytes(document)
    built = run("build", "a.json", "-o", "-", folder=tmp_path)
    assert (built.returncode, built.stdout) == (0, data), built.stderr


def test_long_tables_of_a_pipe_are_those_of_a_file(tmp_path: Path) -> None:
    data = mappings(HELD + 700)
    path = tmp_path / "-"
    path.write_bytes(data)
    for words in (["--json", "--offsets"], ["--yaml"], ["--csv", "--show", "mappings"]):
        whole, piped = run("inspect", *words, path), run("inspect", *words, "-", data=data)
        assert whole.stdout.replace(f"{len(data)}".encode(), b"null", 1) in (
            piped.stdout,
            whole.stdout.replace(f"{len(data)}".encode(), b"null", 1),
        )
        assert whole.stdout.count(b"\n") == piped.stdout.count(b"\n")
    shown = json.loads(run("inspect", "--json", path).stdout)
    assert len(shown["blocks"][-2]["payload"]["entries"]) == HELD + 700


@pytest.mark.parametrize("seed", range(12))
def test_regions_come_in_the_order_in_which_they_are_put_together(seed: int) -> None:
    """Continuations before, behind and without their first fragment, and such as don't line up."""
    rng = random.Random(seed)
    uuids = [wire.uuid4(n) for n in range(1, 6)]
    builder = start(LE11)
    for number in range(14):
        further = rng.random() < 0.5
        builder.add(
            wire.MEMORY_REGION,
            wire.memory_region(
                "<", (1,), base_addr=number << 16, page_size_log2=rng.choice((12, 13))
            ),
            flags=wire.CONTINUATION if further else 0,
            parent_uuid=rng.choice(uuids) if further else bytes(16),
            **(
                {}
                if further
                else {"block_uuid": rng.choice(uuids) if number % 2 else wire.uuid4(90 + number)}
            ),
        )
    with msl_construct.open(finish(builder, LE11)) as dump:
        streamed = list(regions_of(TableBlocks(dump, ("memory_region",))))
        kept = assemble(dump.capture_blocks.of_type("memory_region"))
    assert [[f.block.index for f in r.fragments] for r in streamed] == [
        [f.block.index for f in r.fragments] for r in kept
    ]
