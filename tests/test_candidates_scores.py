"""Every part of a score follows from what is printed and the bytes of the dumps, by hand."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import pytest
import yaml
from commands import PLACE, run
from independent import memory
from independent.scores import Bytes, parts_of
from test_candidates import HEAP, PAGE, chunks, heap_dump, private_keys

pytest.importorskip("numpy")
pytest.importorskip("cryptography")

LIBRARY = PLACE / "msl_construct" / "analysis" / "candidates" / "library"


def weights() -> dict[str, float]:
    """Of each shape of the library, from its file."""
    found = {}
    for path in LIBRARY.glob("*.yaml"):
        for shape in yaml.safe_load(path.read_text("utf-8"))["shapes"]:
            found[shape["name"]] = shape.get("weight", 0.1)
    return found


def test_every_part_of_a_score_follows_from_what_is_printed(tmp_path: Path) -> None:
    """Keys in three dumps: the same, another, and where one or two could not be read."""
    rng = random.Random(11)
    keys = private_keys()
    contents = [*keys["rsa_prime"], *keys["x25519_private_key"], *keys["ec_private_key_der"]]
    contents += [struct.pack("<Q", HEAP + 16), b"\0\0\0" + rng.randbytes(64)]
    for number, pages in enumerate((4, 2, 1)):
        own = [bytes(PAGE), rng.randbytes(48), rng.randbytes(39), bytes(PAGE), rng.randbytes(48)]
        data, _ = chunks(*contents, *own, size=4 * PAGE)
        states = [(0, pages, "captured"), (pages, 6 - pages, "failed")]
        raw = heap_dump(data[: pages * PAGE], states=states)
        (tmp_path / f"{number}.msl").write_bytes(raw)
    names = [f"{number}.msl" for number in range(3)]
    dumps = [Bytes(memory.known((tmp_path / name).read_bytes())) for name in names]
    alone = []
    for name in names:
        told = json.loads(run("candidates", name, "--json", folder=tmp_path).stdout)
        alone.append({(one["address"], one["length"], one["shape"]) for one in told["candidates"]})
    told = json.loads(run("candidates", *names, "--json", folder=tmp_path).stdout)
    known, seen = weights(), set()
    for row in told["candidates"]:
        own = names.index(row["dump"])
        others = [one for one in range(3) if one != own]
        expected = parts_of(
            row,
            dumps[own],
            [dumps[one] for one in others],
            [alone[one] for one in others],
            known[row["shape"]],
        )
        assert row["parts"] == pytest.approx(expected, abs=1e-9), row
        assert row["score"] == pytest.approx(sum(expected.values()), abs=1e-9)
        seen.add((row["shape"], row["parts"]["class"], row["parts"]["chunk"] > 0))
    assert {shape for shape, *_ in seen} >= {"rsa_prime", "x25519_private_key", "secret_48_bytes"}
    assert {points for _, points, _ in seen} == {0.0, 0.02, 0.03}
    assert {begins for *_, begins in seen} == {False, True}
