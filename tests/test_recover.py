"""``msl recover``: held against what was done to the file, which the command does not know."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import PLACE, run
from independent import decode, wire
from independent.specimens import LE11, finish, start
from test_read import HEAP, SECRET, dump

from msl_construct.reader.salvage import SalvagedDump
from msl_construct.source import BufferSource

COUNT = int(os.environ.get("MSL_RECOVER", "60"))
SAMPLES = sorted(
    path
    for path in (PLACE / "samples").rglob("*.msl")
    if path.parent.name != "invalid" and path.stat().st_size < 1 << 17
)


@dataclass
class Damaged:
    """A file to which something was done.

    Attributes:
        data: it.
        intact: offset and length, in it, of the blocks whose bytes are those that were written.
        closed: whether the last of them is the last block: what it says of others can be relied on.
    """

    data: bytes
    intact: dict[int, int]
    closed: bool


def damaged(rng: random.Random, data: bytes) -> Damaged | None:
    """A file with some damage behind its header, of which is known which blocks it met."""
    try:
        document = decode.decode(data)
    except decode.NotMsl:
        return None
    blocks = [(int(b["offset"], 16), b["block_length"]) for b in document["blocks"]]
    if len(blocks) < 3 or document["trailing"] is not None:
        return None
    pieces = [(True, data[: blocks[0][0]])]
    pieces += [(True, data[at : at + size]) for at, size in blocks]
    for _ in range(rng.randint(1, 3)):
        number = rng.randrange(1, len(pieces))
        _, piece = pieces[number]
        if not piece:
            continue
        at = rng.randrange(len(piece))
        how = rng.choice(("flip", "zero", "cut", "insert", "magic"))
        if how == "flip":
            piece = piece[:at] + bytes([piece[at] ^ 1 << rng.randrange(8)]) + piece[at + 1 :]
        elif how == "zero":
            size = rng.choice((8, 64, 600))
            piece = piece[:at] + bytes(len(piece[at : at + size])) + piece[at + size :]
        elif how == "cut":
            piece = piece[:at] + piece[at + rng.choice((1, 8, 64, 5000)) :]
        elif how == "insert":
            piece = piece[:at] + rng.randbytes(rng.choice((1, 8, 64))) + piece[at:]
        else:
            piece = b"XXXX" + piece[4:]
        pieces[number] = (piece == pieces[number][1] and pieces[number][0], piece)
    found, at = {}, 0
    for number, (intact, piece) in enumerate(pieces):
        if number and intact:
            found[at] = len(piece)
        at += len(piece)
    return Damaged(b"".join(piece for _, piece in pieces), found, pieces[-1][0])


@pytest.mark.parametrize("seed", range(COUNT))
def test_what_stands_is_kept_and_nothing_that_is_known_to_be_altered(seed: int) -> None:
    rng = random.Random(seed)
    one = damaged(rng, rng.choice(SAMPLES).read_bytes())
    if one is None:
        return
    with SalvagedDump(BufferSource(one.data)) as found:
        kept = dict(zip(found.index.offsets, found.index.lengths))
        missing = {at: size for at, size in one.intact.items() if kept.get(at) != size}
        # A length that was altered may swallow blocks behind it: they are not to be seen then.
        for at in missing:
            spans = [*kept.items(), *((lost.offset, lost.length) for lost in found.lost)]
            assert any(start <= at < start + size for start, size in spans)
            assert not one.closed or not any(lost.offset == at for lost in found.lost)
        altered = [at for at in kept if at not in one.intact]
        assert len(altered) <= found.unproved
        # Each byte is in a block that was kept, or lost.
        spans = sorted([*kept.items(), *((lost.offset, lost.length) for lost in found.lost)])
        end = spans[0][0]
        for start, size in spans:
            assert start == end
            end = start + size
        assert end == len(one.data)


@pytest.mark.parametrize("seed", range(max(10, COUNT // 10)))
def test_the_new_file_is_intact_and_conforms(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    path = dump(tmp_path / "dump.msl", compression=rng.choice(("none", "zstd")))
    one = damaged(rng, path.read_bytes())
    assert one is not None
    bad, good = tmp_path / "bad.msl", tmp_path / "good.msl"
    bad.write_bytes(one.data)
    done = run("recover", bad, "-o", good, "--json")
    assert done.returncode in (0, 4), done.stderr
    assert bad.read_bytes() == one.data
    told = json.loads(done.stdout)
    assert (done.returncode == 4) == bool(told["lost"] or told["not_said"])
    verified = run("verify", good)
    assert verified.returncode in (0, 4), verified.stderr
    assert b"intact" in verified.stdout
    checked = run("check", good)
    assert checked.returncode in (0, 4), checked.stdout
    kept = sum(count for _, count, _ in told["kept"])
    assert kept >= len(one.intact) - 3


def test_a_dump_in_the_memory_of_a_dump_is_not_taken_for_it(tmp_path: Path) -> None:
    inner = dump(tmp_path / "inner.msl").read_bytes()
    outer = bytearray((PLACE / "samples" / "live-le.msl").read_bytes())
    document = decode.decode(bytes(outer))
    (first, second) = [b for b in document["blocks"] if b["block_type"] == "memory_region"][:2]
    at = int(second["offset"], 16)
    place = at + 200
    assert len(inner) < second["block_length"] - 300
    outer[place : place + len(inner)] = inner
    outer[at : at + 4] = b"XXXX"
    with SalvagedDump(BufferSource(bytes(outer))) as found:
        assert at not in found.index.offsets
        assert not any(at < offset < at + second["block_length"] for offset in found.index.offsets)
        assert int(first["offset"], 16) in found.index.offsets
        assert found.end_of_capture is not None


def test_altered_blocks_are_kept_only_when_that_is_wanted(tmp_path: Path) -> None:
    path = dump(tmp_path / "dump.msl")
    data = bytearray(path.read_bytes())
    data[data.index(SECRET)] ^= 1
    bad = tmp_path / "bad.msl"
    bad.write_bytes(data)
    good = tmp_path / "good.msl"
    assert run("recover", bad, "-o", good).returncode == 4
    assert run("read", good, f"{HEAP:#x}", "16").returncode == 4
    assert run("recover", bad, "-o", good, "--keep-altered", "--force").returncode == 4
    assert run("read", good, f"{HEAP:#x}", "16").returncode == 0


def test_what_is_sound_loses_nothing(tmp_path: Path) -> None:
    path = dump(tmp_path / "dump.msl")
    good = tmp_path / "good.msl"
    done = run("recover", path, "-o", good, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["lost"], told["unproved"], told["not_said"]) == ([], 1, [])
    assert run("diff", path, good).returncode in (0, 4)


@pytest.mark.parametrize("what", ["exists", "same", "no_header"])
def test_what_makes_no_sense_is_refused(tmp_path: Path, what: str) -> None:
    path = dump(tmp_path / "dump.msl")
    good = path if what == "same" else tmp_path / "good.msl"
    if what == "exists":
        good.write_bytes(b"mine")
    if what == "no_header":
        path.write_bytes(bytes(64) + path.read_bytes()[64:])
    before = path.read_bytes()
    done = run("recover", path, "-o", good)
    assert done.returncode == (3 if what == "no_header" else 2)
    assert path.read_bytes() == before
    assert what != "exists" or good.read_bytes() == b"mine"


def test_an_import_provenance_that_is_cut_keeps_nobody_from_the_rest(tmp_path: Path) -> None:
    builder = start(LE11)
    cut = wire.import_provenance("<")[:8]
    builder.add(wire.IMPORT_PROVENANCE, cut)
    bad, good = tmp_path / "bad.msl", tmp_path / "good.msl"
    bad.write_bytes(finish(builder, LE11))
    done = run("recover", bad, "-o", good)
    assert done.returncode in (0, 4), done.stderr
    assert b"import_provenance" in done.stderr
    assert run("verify", good).returncode == 0
