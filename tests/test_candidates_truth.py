"""``msl candidates`` on programs whose secrets and structures are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import run
from ground_truth import TARGETS, Truth, confirmed, lacking
from sampling import sampled

import msl_construct
from msl_construct.analysis import candidates as finding

np = pytest.importorskip("numpy")
pytest.importorskip("cryptography")


def acquired(truth: Truth, path: Path) -> None:
    done = run("acquire", truth.pid, "-o", path, "--quiet")
    assert done.returncode == 0, done.stderr


@sampled("name")
@pytest.mark.parametrize("name", TARGETS)
def test_what_is_known_is_found(name: str, tmp_path: Path) -> None:
    missing = lacking(name)
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    path = tmp_path / "dump.msl"
    with TARGETS[name][1](tmp_path) as truth:
        acquired(truth, path)
        _holds(truth, path)


def _holds(truth: Truth, path: Path) -> None:
    """What is known of a process is found in its dump; the process is still there."""
    with msl_construct.open(path) as dump:
        library = finding.library()
        if not truth.structures:
            wanted = {shape for shape, _ in truth.secrets} | truth.counted.keys()
            if "ssh_session_key" in wanted:  # it is told by what points to what looks like a key
                wanted |= {one.name for one in library if one.name.startswith("secret_")}
            shapes = [one for one in library if one.name in wanted or one.schedule]
            found = finding.find_candidates(np, [dump], shapes, most=10_000)
            assert found.gaps == []
            for shape, secret in truth.secrets:
                some = [one for one in found.candidates if one.shape == shape]
                if shape.startswith("secret_"):  # what is beside it may make it longer
                    some = [one for one in found.candidates if one.length <= 4 * len(secret)]
                assert any(
                    secret in bytes(dump.memory.read(one.address, one.length)) for one in some
                ), (shape, secret.hex())
            for shape, count in truth.counted.items():
                checked = [one for one in found.candidates if one.shape == shape and one.checked]
                assert len(checked) >= count
                if truth.peer or truth.wrapped:
                    data = [bytes(dump.memory.read(one.address, one.length)) for one in checked]
                    assert sum(confirmed(truth, one) for one in set(data)) == count
        gaps: list[str] = []
        inferred = finding.infer_structures(np, dump, gaps) if truth.structures else []
        for kind, count, address, size in truth.structures:
            (one,) = [one for one in inferred if one.kind == kind]
            assert (one.instances, one.confidence) == (count, 1.0)
            assert size <= one.size < size + 16  # an allocator gives what is a multiple of 16
            assert kind == "list" or one.addresses[0] == address
        assert len(inferred) == len(truth.structures)


def _keys(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@sampled()
def test_patterns_and_hints_of_what_was_found(tmp_path: Path) -> None:
    """Of two runs of a program: its patterns are found in both, and not in another program."""
    if lacking("key schedules"):
        pytest.skip("needs gcc")
    paths = [tmp_path / f"{number}.msl" for number in range(3)]
    for path in paths[:2]:
        with TARGETS["key schedules"][1](tmp_path) as truth:
            acquired(truth, path)
    with TARGETS["structures"][1](tmp_path) as truth:
        acquired(truth, paths[2])
    before = paths[0].read_bytes()
    done = run(
        "candidates", *paths[:2], "--only", "aes_128_key_schedule", "--json", "--append",
        "--yara", tmp_path / "out.yar", "--signature", tmp_path / "out.json",
        "--volatility", tmp_path / "out.py", "--against", paths[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["patterns"]
    for pattern in found["patterns"]:
        *own, other = pattern["tried"]
        assert all(one["found"] for one in own if one["expected"])
        assert (other["expected"], other["found"], other["others"]) == (None, False, [])
    compile((tmp_path / "out.py").read_text(), "out.py", "exec")
    rules = run("yara", paths[1], tmp_path / "out.yar", "--json")
    assert rules.returncode == 0, rules.stderr
    assert run("yara", paths[2], tmp_path / "out.yar").returncode == 1
    signatures = _keys(tmp_path / "out.json")["signatures"]
    assert [one["pattern"] for one in signatures] == [one["pattern"] for one in found["patterns"]]
    assert paths[0].read_bytes().startswith(before)
    assert run("verify", paths[0]).returncode == 0
    assert run("check", paths[0]).returncode == 0
