"""Parts of the large suites: together they are the whole, and each has some of every kind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sampling import (
    COSTLY,
    COSTLY_PARTS,
    COSTS,
    EVERYTHING,
    HARM,
    PARTS,
    SAMPLE,
    TODAY,
    WHOLE,
    Part,
    chosen,
    costs,
    deselect,
    part_of,
    write_costs,
)

CASES = [(number % 9 if number % 2 else 0, number) for number in range(150)]
SUITE = """
import pytest
from sampling import part_of, sampled

@sampled("letter")
@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("letter", "abc")
def test_dealt_out(letter, number):
    pass

@sampled()
@pytest.mark.parametrize("number", range(4))
def test_of_one_kind(number):
    pass

@pytest.mark.parametrize("number", part_of(range(4)))
def test_not_marked(number):
    pass
"""


@pytest.mark.parametrize("parts", [1, 2, 3, 8, 100])
def test_the_parts_are_the_whole(parts: int) -> None:
    seen = set()
    for number in range(1, parts + 1):
        taken = part_of(CASES, lambda case: case[0], part=Part(number, parts))
        assert taken == [case for case in CASES if case in taken], "in their order"
        assert {kind for kind, _ in taken} == set(range(9)), "some of every kind"
        seen.update(taken)
        assert len(taken) <= len(CASES) / parts + 9
    assert seen == set(CASES)


def test_what_other_kinds_lack_is_added() -> None:
    cases = [(row, column) for row in range(3) for column in range(7)]
    for number in range(1, 9):
        part = Part(number, 8)
        alone = part_of(cases, lambda case: case[0], part=part)
        both = part_of(cases, lambda case: case[0], lambda case: case[1], part=part)
        assert set(alone) <= set(both)
        assert {column for _, column in both} == set(range(7))
        assert len(both) <= 3 + 7


def test_a_part_is_the_same_whenever_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SAMPLE, "2/3")
    monkeypatch.delenv(WHOLE, raising=False)
    assert chosen(named=False) == chosen(named=True) == Part(2, 3)
    assert part_of(CASES) == part_of(CASES, part=Part(2, 3))


def test_who_names_files_gets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SAMPLE, raising=False)
    monkeypatch.delenv(WHOLE, raising=False)
    assert chosen(named=True) == EVERYTHING
    assert chosen(named=False) == Part(1, PARTS), "the same for everybody"
    monkeypatch.setenv(WHOLE, "1")
    assert chosen(named=False) == EVERYTHING


def test_another_part_each_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SAMPLE, TODAY)
    monkeypatch.delenv(WHOLE, raising=False)
    days = []
    for day in range(PARTS):
        monkeypatch.setattr("time.time", lambda day=day: (20_000 + day) * 86_400.0 + 7)
        days.append(chosen(named=False))
    assert sorted(days) == [Part(number, PARTS) for number in range(1, PARTS + 1)]


@pytest.mark.parametrize("text", ["0/8", "9/8", "3", "a/b", "1/0", "-1/8"])
def test_what_is_no_part_is_said(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WHOLE, raising=False)
    monkeypatch.setenv(SAMPLE, text)
    with pytest.raises(pytest.UsageError, match="a part such as 3/16, or today"):
        chosen(named=False)


def collected(folder: Path, **environment: str) -> set[str]:
    """The tests of SUITE that a run has."""
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "conftest.py").symlink_to(Path(__file__).with_name("conftest.py"))
    variables = {k: v for k, v in os.environ.items() if k not in (SAMPLE, WHOLE)}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**variables, "PYTHONPATH": str(Path(__file__).parent), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.partition("::")[2] for line in ran.stdout.splitlines() if "::" in line}


def test_marked_suites_are_dealt_out(tmp_path: Path) -> None:
    parts = []
    for number in (1, 2, 3):
        folder = tmp_path / str(number)
        folder.mkdir()
        parts.append(collected(folder, MSL_SAMPLE=f"{number}/3"))
    (whole := tmp_path / "whole").mkdir()
    assert set.union(*parts) == collected(whole, MSL_WHOLE="1")
    for part in parts:
        assert {name.partition("[")[2][0] for name in part if "dealt_out" in name} == set("abc")
        assert len(part) <= 3 * 2 + 2 + 2


def test_what_asks_whether_everything_is_covered_is_never_sampled() -> None:
    here = Path(__file__).parent
    text = (here.parent / "CONTRIBUTING.md").read_text("utf-8")
    told = text.partition("What asks whether")[2].partition("never is")[0]
    named = re.findall(r"`tests/(test_\w+\.py)`", told)
    assert len(named) == 3
    for name in named:
        assert "from sampling import" not in (here / name).read_text("utf-8"), name


class Item:
    """As much of a test as is asked."""

    def __init__(self, module: str, number: int) -> None:
        self.nodeid = f"tests/{module}.py::test[{number}]"
        self.path = Path("tests", f"{module}.py")

    def get_closest_marker(self, name: str) -> None:
        return None


@pytest.mark.parametrize("parts", [2, 4, PARTS])
def test_costly_tests_are_dealt_out(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [Item("test_many", number) for number in range(COSTLY_PARTS)]
    few = [Item(f"test_{name}", number) for name in "abcd" for number in range(name == "a", 2)]
    cheap, asked = [Item("test_cheap", n) for n in range(3)], [Item("test_corpus", 0)]
    items = [*many, *cheap, *few, *asked]
    costly = {item.nodeid for item in (*many, *few, *asked)}
    seen = set()
    for number in range(1, parts + 1):
        monkeypatch.setenv(SAMPLE, f"{number}/{parts}")
        taken, left_out = deselect(items, costly)
        assert set(taken) | set(left_out) == set(items)
        assert {*cheap, *asked} <= set(taken), "all that cost little"
        for pile in (many, few) if parts > 2 else (many,):
            assert 0 < len(set(taken) & set(pile)) <= len(pile) / min(parts, COSTLY_PARTS) + 1
        seen.update(taken)
    assert seen == set(items), "the parts are the whole"
    monkeypatch.setenv(SAMPLE, str(EVERYTHING))
    assert deselect(items, costly) == (items, [])


def test_what_sees_harm_is_never_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    items = []
    for name in HARM:
        module, _, test = name.partition("::")
        text = Path(__file__).with_name(module).read_text("utf-8")
        assert re.search(rf"def {test}\b", text), name
        for case in ("", "[a]"):
            items.append(Item(module.removesuffix(".py"), 0))
            items[-1].nodeid = f"tests/{name}{case}"
    for number in range(1, 5):
        monkeypatch.setenv(SAMPLE, f"{number}/4")
        assert deselect(items, {item.nodeid for item in items}) == (items, [])


def test_costs_are_kept(tmp_path: Path) -> None:
    measured = {"tests/test_a.py::test[a  b]": 2.04, "tests/test_b.py::test": COSTLY - 0.1}
    write_costs(measured, tmp_path / "costs.txt")
    assert costs(tmp_path / "costs.txt") == {"tests/test_a.py::test[a  b]": 2.0}


def test_what_is_costly_is_there() -> None:
    kept = costs()
    assert kept
    assert min(kept.values()) >= COSTLY
    for name in kept:
        path, _, test = name.partition("::")
        text = (COSTS.parents[1] / path).read_text("utf-8")
        for part in test.partition("[")[0].split("::"):
            assert re.search(rf"(def|class) {part}\b", text), f"{name}: MSL_COSTS=1 measures anew"


def test_costs_are_measured(tmp_path: Path) -> None:
    """By a run in a folder of its own, whose copies of both files keep them there."""
    for name in ("conftest.py", "sampling.py"):
        (tmp_path / name).write_text(Path(__file__).with_name(name).read_text("utf-8"))
    (tmp_path / "costs.txt").write_text("")
    (tmp_path / "test_suite.py").write_text(
        "import time\n"
        "def test_cheap(): pass\n"
        "def test_dear():\n"
        "    began = time.process_time()\n"
        "    while time.process_time() < began + 0.7: pass\n"
    )
    variables = {k: v for k, v in os.environ.items() if k not in (SAMPLE, WHOLE)}
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**variables, "PYTHONPATH": str(Path(__file__).parent), "MSL_COSTS": "1"},
        capture_output=True,
        check=True,
    )
    assert list(costs(tmp_path / "costs.txt")) == ["test_suite.py::test_dear"]
