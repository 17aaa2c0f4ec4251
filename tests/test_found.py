"""What fuzzing found stays found, and the fuzzers work."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from fuzzing.found import FOUND, cases, keep
from fuzzing.run import guided, mutational
from fuzzing.targets import TARGETS, Target

SECONDS = float(os.environ.get("MSL_FUZZ_SECONDS", "1"))
CASES = list(cases())
each_target = pytest.mark.parametrize("name", TARGETS)


@pytest.mark.parametrize(
    ("target", "path", "outcome"), CASES, ids=[f"{t}-{p.name}" for t, p, _ in CASES]
)
def test_what_was_found_has_its_outcome(target: str, path: Path, outcome: str | None) -> None:
    found = TARGETS[target].run(path.read_bytes())
    assert outcome in (None, found)


def test_every_folder_is_of_a_target() -> None:
    assert {path.name for path in FOUND.iterdir() if path.is_dir()} <= set(TARGETS)


@each_target
def test_changed_inputs_for_a_moment(name: str, tmp_path: Path) -> None:
    count, found = mutational(TARGETS[name], SECONDS, 1, tmp_path)
    assert found == []
    assert count > 0


def test_guided_for_a_moment(tmp_path: Path) -> None:
    """One target: starting takes its time, and the command runs all of them."""
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed")
    count, found = guided(TARGETS["documents"], SECONDS, 1, tmp_path)
    assert found == []
    assert count > 0


@each_target
def test_every_seed_is_readable(name: str) -> None:
    target = TARGETS[name]
    seeds = target.seeds()
    assert len(seeds) > 5
    outcomes = {target.run(data) for data in seeds[:: max(1, len(seeds) // 20)]}
    assert "fine" in outcomes
    assert target.mutate("5:5") == target.mutate("5:5") != target.mutate("5:6")


def test_a_defect_is_found_and_kept(tmp_path: Path) -> None:
    def defective(data: bytes) -> str:
        if data[:1] == b"3":
            raise KeyError("a defect")
        return "fine"

    target = Target("reader", defective, list, lambda seed: seed[-1:].encode())
    count, found = mutational(target, 0.2, 7, tmp_path)
    assert count > 3
    assert "KeyError" in found[0]
    (case, *_) = cases(tmp_path)
    assert (case[0], case[1].read_bytes(), case[2]) == ("reader", b"3", None)
    path = keep("rules", b"x", tmp_path)
    path.with_name(f"{path.name}.outcome").write_text("HeaderError\n")
    assert ("rules", path, "HeaderError") in list(cases(tmp_path))
