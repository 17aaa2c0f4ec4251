"""What could not be looked at is a gap: exit 4 from verify, check and inspect, and never fine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from commands import one_line, run
from independent import wire
from independent.specimens import LE10, LE11, Kind, finish, start
from test_fuzz import Pipe

import msl_construct
from msl_construct.reader.stream import PassingDump
from msl_construct.rules import Check
from msl_construct.rules.engine import gaps

ODD = Path(__file__).parent / "data" / "odd" / "dumps"
COMMANDS = ("verify", "check", "inspect")
ZSTD, LZ4 = wire.COMPRESSED | wire.ZSTD, wire.COMPRESSED | wire.LZ4


def hint(kind: Kind, stored: bytes, flags: int, **fields: int) -> bytes:
    """A file whose third block is a Key Hint with this payload."""
    builder = start(kind, cap_bitmap=1)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity(kind.order))
    builder.add(wire.KEY_HINT, stored, flags=flags, **fields)
    return finish(builder, kind)


def unlikely(kind: Kind) -> dict[str, bytes]:
    good = wire.key_hint(kind.order)
    zstd, lz4 = (wire.compress(kind.order, good, codec) for codec in ("zstd", "lz4"))
    return {
        "damaged zstd": hint(kind, zstd[:14] + b"\xff" * 9 + zstd[23:], ZSTD),
        "cut zstd": hint(kind, zstd[:-5], ZSTD),
        "no zstd": hint(kind, zstd[:8] + b"nothing of the kind", ZSTD),
        "damaged lz4": hint(kind, lz4[:12] + b"\xff" * 9 + lz4[21:], LZ4),
        "another size": hint(kind, wire.compress(kind.order, good, "zstd", size=999), ZSTD),
        "no framing": hint(kind, b"1234", ZSTD),
        "unknown codec": hint(kind, zstd, wire.COMPRESSED | 3 * wire.ZSTD),
        "no codec": hint(kind, zstd, wire.COMPRESSED),
    }


CASES = {
    f"{kind.name} {name}": data for kind in (LE10, LE11) for name, data in unlikely(kind).items()
}


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_inflate_is_a_gap_everywhere(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    path.write_bytes(CASES[name])
    for command in COMMANDS:
        done = run(command, path)
        if command == "check" and done.returncode == 1:
            assert b"MUST" in done.stdout  # a rule that counts says it
            continue
        assert done.returncode == 4, command
        assert "block 1 (key_hint)" in one_line(done.stderr)
        piped = run(command, "-", data=CASES[name])
        assert piped.returncode == 4, command
    with PassingDump(Pipe(CASES[name])) as passing, msl_construct.open(path) as dump:
        assert passing.verify() == dump.verify()


@pytest.mark.parametrize(
    "file", ["34-v10-region-not-inflatable-check0", "35-hashalgo-unknown-check0"]
)
@pytest.mark.parametrize("command", COMMANDS)
def test_files_of_which_everybody_said_that_they_are_fine(file: str, command: str) -> None:
    done = run(command, ODD / f"{file}.msl")
    assert done.returncode == 4
    assert ("block 2" if file.startswith("34") else "hash algorithm 0x03") in one_line(done.stderr)


def test_page_data_is_looked_at_by_whoever_says_that_all_is_fine(tmp_path: Path) -> None:
    """Damage far behind what a listing reads."""
    import random

    pages = bytes(random.Random(7).choices(b"abcdefgh", k=16 << 12))
    region = wire.memory_region("<", (0,) * 16, page_data=pages, page_size_log2=12)
    stored = bytearray(wire.compress("<", region, "zstd"))
    stored[len(stored) // 2 :] = bytes(len(stored) - len(stored) // 2)
    path = tmp_path / "x.msl"
    builder = start(LE10, cap_bitmap=1)
    builder.add(wire.MEMORY_REGION, bytes(stored), flags=ZSTD)
    path.write_bytes(finish(builder, LE10))
    assert run("verify", path).returncode == 4
    assert run("check", path).returncode in (1, 4)
    assert run("inspect", "--json", "--with-data", path).returncode == 4
    listed = run("inspect", path)
    assert b"(hashes and page data not checked: msl verify)" in listed.stdout.replace(b"\n ", b"")


def test_a_limit_is_a_gap_and_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    stored = wire.compress("<", wire.key_hint("<", note="x" * 5000), "zstd")
    path.write_bytes(hint(LE11, stored, ZSTD))
    for command in COMMANDS:
        assert b"inflat" not in run(command, path).stderr
        done = run(command, path, "--max-inflate", "1000")
        assert b"max-inflate" in done.stderr + done.stdout
        assert done.returncode in ((1, 4) if command == "check" else (4,))
    with msl_construct.open(path, max_inflate=1000) as dump:
        assert not [f for f in Check(dump) if "INFLATABLE" in f.rule.id]


def test_a_codec_that_is_missing_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    data = hint(LE10, wire.compress("<", wire.key_hint("<"), "zstd"), ZSTD)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with msl_construct.open(data) as dump:
        assert [gap.kind for gap in dump.verify().gaps] == ["not_inflated"]
        under_way = Check(dump)
        assert not [f for f in under_way if "INFLATABLE" in f.rule.id]
        assert len(under_way.unchecked) == 1


@pytest.mark.parametrize(("code", "name"), [(0xFF, "other"), (0x03, "0x03"), (0x80, "0x80")])
def test_an_algorithm_that_nobody_knows(code: int, name: str, tmp_path: Path) -> None:
    builder = start(LE11, hash_algo=code, cap_bitmap=1)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<"))
    path = tmp_path / "x.msl"
    path.write_bytes(finish(builder, LE11))
    for command in ("verify", "inspect"):
        done = run(command, path)
        assert done.returncode == 4
        assert f"hash algorithm {name}" in one_line(done.stderr)
    with msl_construct.open(path) as dump:
        assert [name in gap for gap in gaps(dump)] == [True]
    row = json.loads(run("verify", "--json", path).stdout)
    assert (row["intact"], row["complete"], row["file_hash"]) == (None, False, "unchecked")


@pytest.mark.parametrize("minor", [2, 5, 255])
def test_a_later_version_is_said_by_everybody(minor: int, tmp_path: Path) -> None:
    builder = start(LE11, version=0x0100 | minor, cap_bitmap=1)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<"))
    path = tmp_path / "x.msl"
    path.write_bytes(finish(builder, LE11))
    line = f"version 1.{minor} is not known; read as draft-2026-10"
    for command in ("verify", "inspect"):
        done = run(command, path)
        assert (done.returncode, line in one_line(done.stderr)) == (0, True)
        assert run(command, path, "--draft", "draft-2026-10").stderr == b""  # who says so knows
    with msl_construct.open(path) as dump:
        assert line in gaps(dump)
    assert line in run("check", path).stdout.decode()


def test_a_payload_of_a_later_version_was_not_checked(tmp_path: Path) -> None:
    data = hint(LE10, b"whatever a later draft has", 0, payload_version=2)
    with msl_construct.open(data) as dump:
        under_way = Check(dump)
        assert not [f for f in under_way if f.found.block == 1 and f.rule.scope.value == "payload"]
        (line,) = under_way.unchecked
    assert "block 1 (key_hint)" in line
    assert "PayloadVersion 2" in line
