"""The pages about acquisition name every cause, status, method and field, and no others."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import started
from acquiring import linux_only

import msl_acquire
from msl_acquire.cli import acquire as command
from msl_acquire.linux.freeze import METHODS
from msl_acquire.model import Action
from msl_construct.errors import TargetError

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "acquire"
PAGE = (ROOT / "spec-docs" / "acquire.rst").read_text("utf-8")
CONTAINERS = (ROOT / "spec-docs" / "containers.rst").read_text("utf-8")

Rows = list[list[str]]


# --- the tables of the page ------------------------------------------------------------------


def table(name: str) -> Rows:
    """The cells of the list-table with this name, its head left out."""
    found = re.search(
        rf"^\.\. list-table::[^\n]*\n   :name: {re.escape(name)}\n(.*?)(?=^\S|\Z)",
        PAGE,
        re.M | re.S,
    )
    assert found, f"no table {name}"
    rows: Rows = []
    for line in found[1].splitlines():
        if line.startswith("   * - "):
            rows.append([line[7:]])
        elif line.startswith("     - "):
            rows[-1].append(line[7:])
        elif line.startswith("       "):
            rows[-1][-1] += " " + line.strip()
    assert len({len(row) for row in rows}) == 1, f"{name}: rows of different lengths"
    return rows[1:]


def words(cell: str) -> list[str]:
    """What stands in double backticks."""
    return re.findall(r"``([^`]+)``", cell)


def named(name: str) -> set[str]:
    """All words of a table's first column, each of which must be there once."""
    found = [word for row in table(name) for word in words(row[0])]
    assert len(found) == len(set(found)), f"{name}: something twice"
    return set(found)


# --- the words of the code -------------------------------------------------------------------


def trees(*folders: str) -> Iterator[ast.Module]:
    for folder in folders:
        for path in sorted((SOURCES / folder).rglob("*.py")):
            yield ast.parse(path.read_text("utf-8"), str(path))


class Causes(ast.NodeVisitor):
    """Collects every word that may become a cause: where a plan or a failure is made."""

    PLACES = {"Failure": 1, "Treatment": 1, "Stretch": 2, "_whole": 2, "add": 2, "_stretch": 3}
    NAMED = frozenset(("_forbidden", "_treatment"))

    def __init__(self) -> None:
        self.found: set[str] = set()
        self._constants: dict[str, str] = {}
        self._within = ""

    def visit_Module(self, node: ast.Module) -> None:
        self._constants = {
            target.id: statement.value.value
            for statement in node.body
            if isinstance(statement, ast.Assign)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._within = node.name
        self.generic_visit(node)
        self._within = ""

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        name = getattr(function, "id", getattr(function, "attr", ""))
        place = self.PLACES.get(name)
        if place is not None and (name != "add" or self._acts(node.args[1:2])):
            self._take(node.args[place : place + 1])
            self._take([word.value for word in node.keywords if word.arg == "cause"])
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if self._within in self.NAMED and node.value is not None:
            pair = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            self._take([pair[-1]])
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if "_CAUSES" in names and isinstance(node.value, ast.Dict):
            self._take(node.value.values)
        self.generic_visit(node)

    @staticmethod
    def _acts(nodes: list[ast.expr]) -> bool:
        """Whether it is an Action, so that what is added to is a plan and not a set."""
        return any(ast.unparse(node).startswith(("Action.", "treatment.")) for node in nodes)

    def _take(self, nodes: list[ast.expr]) -> None:
        for node in nodes:
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    self.found.add(part.value)
                elif isinstance(part, ast.Name) and part.id in self._constants:
                    self.found.add(self._constants[part.id])
                assert not isinstance(part, ast.JoinedStr), "a cause must be a word"


def causes(*folders: str) -> set[str]:
    collector = Causes()
    for tree in trees(*folders):
        collector.visit(tree)
    return collector.found - {""}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('Failure("failed", "one", 5, 1)', {"one"}),
        ('X = Treatment(Action.SKIP, "one"); Y = Treatment(cause="two")', {"one", "two"}),
        ('builder.add(size, Action.SKIP, "one"); names.add("two")', {"one"}),
        ('WORD = "one"\nbuilder.add(1, Action.READ, WORD)', {"one"}),
        ('Failure("failed", "one" if x else "two", 5, 1)', {"one", "two"}),
        ('def _forbidden(info):\n    return "one"', {"one"}),
        ('def _treatment(info):\n    return Action.SKIP, "one"', {"one"}),
        ('_CAUSES = {1: "one"}', {"one"}),
        ("Failure(state, cause, number, 1)", set()),
    ],
)
def test_causes_are_found_wherever_they_can_stand(source: str, expected: set[str]) -> None:
    collector = Causes()
    collector.visit(ast.parse(source))
    assert collector.found == expected


# --- tables and code agree -------------------------------------------------------------------


def test_the_treatment_table_has_every_cause_on_linux_and_no_other() -> None:
    found = causes("linux")
    assert {"untouched", "guard", "gone", "unreadable"} <= found, "the search itself is blind"
    told = [word for row in table("treatment") for word in words(row[4])]
    assert len(told) == len(set(told)), "a cause twice"
    assert set(told) == found


def test_the_other_table_has_every_cause_on_windows_and_macos_and_no_other() -> None:
    found = causes("windows", "macos")
    assert {"guard", "gone"} <= found, "the search itself is blind"
    assert named("treatment-elsewhere") == found


def test_the_treatment_table_says_a_state_for_both_drafts() -> None:
    for row in table("treatment"):
        pages, done, older, newer, cause = row
        assert pages, row
        assert done, row
        assert older in {"Captured", "Captured zeros, or Failed", "Failed", "Unmapped"}, row
        assert newer in {"Captured", "NotResident", "Failed", "Unmapped"}, row
        assert (newer == "NotResident") == (
            any(word in cause for word in ("untouched", "hole", "zero_page"))
        ), row
        if older != newer:
            assert newer == "NotResident", row


@pytest.mark.parametrize("draft", ["draft-2026-03", "draft-2026-10"])
@pytest.mark.parametrize("untouched", ["zeros", "failed"])
def test_the_states_of_untouched_pages_are_those_of_the_table(draft: str, untouched: str) -> None:
    from msl_acquire.model import Mapping, Stretch
    from msl_acquire.session import Session

    class Nothing:
        freezers = ("none",)
        error_name = str

    options = msl_acquire.Options(draft=draft, untouched=untouched)
    session: Any = Session(Nothing(), 1, None, options)  # type: ignore[arg-type]
    column = 2 if draft == "draft-2026-03" else 3
    told = {words(row[4])[0]: row[column] for row in table("treatment") if "null" in row[4]}
    for cause, cell in told.items():
        if cause not in ("untouched", "untouched_no_access", "untouched_huge", "hole", "zero_page"):
            continue
        protection = 0 if cause == "untouched_no_access" else 3
        mapping = Mapping(0x1000, 0x2000, protection, "anonymous", "", b"")
        state = session._account._tally.state_of(mapping, Stretch(1, Action.UNTOUCHED, cause))
        expected = {
            "Captured zeros, or Failed": "captured" if untouched == "zeros" else "failed",
            "Failed": "failed",
            "NotResident": "not_resident",
        }[cell]
        assert state == expected, cause


def test_every_status_is_explained() -> None:
    statuses = {msl_acquire.Report().status, "running"}
    for tree in trees("."):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Stopped":
                first = node.args[0]
                if isinstance(first, ast.Constant) and len(node.args) == 2:
                    statuses.add(first.value)
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                for target in node.targets:
                    if isinstance(target, ast.Attribute) and target.attr == "status":
                        statuses.add(node.value.value)
    assert len(statuses) > 3, "the search itself is blind"
    assert named("statuses") == statuses


def test_every_freezing_method_is_explained() -> None:
    assert [words(row[0])[0] for row in table("freezing")] == list(METHODS)


def test_every_option_is_at_least_mentioned() -> None:
    common = {"--quiet", "--no-color", "--debug", "--help", "--output", "--level", "--no-report"}
    for parameter in command.params:
        for option in parameter.opts:
            if option.startswith("--") and option not in common:
                assert option in PAGE or option == "--compress", option


# --- a real report ---------------------------------------------------------------------------

SECTIONS = ("host", "preflight", "target", "memory", "regions", "dump", "freeze", "evidence")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Reports of one process that was frozen in several ways, as their files hold them."""
    if not Path("/proc/self/pagemap").exists():
        pytest.skip("needs Linux")
    found: dict[str, Any] = {}
    with started(["sleep", "60"], ready="") as (process, _):
        for method in METHODS:
            try:
                with subprocess.Popen(
                    ["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
                ) as sink:
                    assert sink.stdin is not None
                    kept = tmp_path_factory.mktemp(method) / "evidence"
                    report = msl_acquire.acquire(
                        process.pid, sink.stdin, freeze=method, evidence=kept
                    )
            except TargetError as error:
                if method == "ptrace":
                    pytest.skip(f"may not acquire a process of our own: {error}")
                continue  # no control group, say
            found[method] = json.loads(json.dumps(report.as_json(), default=str))
    return found


@linux_only
def test_every_key_of_a_report_is_described(reports: dict[str, Any]) -> None:
    for report in reports.values():
        assert set(report) == named("report")


@linux_only
@pytest.mark.parametrize("section", SECTIONS)
def test_every_field_of_a_section_is_described(reports: dict[str, Any], section: str) -> None:
    described = named(f"report-{section}")
    seen: set[str] = set()
    for report in reports.values():
        rows = report[section] if section == "regions" else [report[section]]
        for row in rows:
            seen.update(row)
    assert seen - described == set()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_described_field_is_one_that_the_code_knows(section: str) -> None:
    known: set[str] = set()
    for tree in trees("."):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                known.add(node.value)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                known.add(node.target.id)
    assert named(f"report-{section}") - known == set()


# --- what the other texts promise ------------------------------------------------------------


def test_it_is_said_plainly_which_systems_nothing_has_run_on() -> None:
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert "no real Windows has run it" in readme
    assert "macOS has not run" in readme
    assert "Neither has run on its system" in " ".join(PAGE.split())


def test_the_recipes_use_options_that_there_are() -> None:
    options = {option for parameter in command.params for option in parameter.opts}
    lines = CONTAINERS.replace("\\\n", " ").splitlines()
    used = [
        line.partition("acquire ")[2] for line in lines if re.search(r"\bacquire \S+ .*-o", line)
    ]
    assert len(used) > 5, "the search itself is blind"
    for line in used:
        line = re.split(r" \| | > ", line)[0]
        for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", line):
            assert option in options, line


def test_the_library_needs_nothing_but_the_call() -> None:
    assert re.search(r"^\.\. autofunction:: msl_acquire\.acquire\(pid, file, ", PAGE, re.M)
    signature = re.search(r"msl_acquire\.acquire\(([^)]*\(\)[^\n]*)\)$", PAGE, re.M)
    assert signature
    shown = [part.strip(" *").partition("=")[0] for part in signature[1].split(", ")]
    code = msl_acquire.acquire.__code__
    real = [*code.co_varnames[: code.co_argcount + code.co_kwonlyargcount], "options"]
    assert [name for name in shown if name] == real


def test_a_missing_and_a_surplus_row_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    row = re.search(r"   \* - \[vvar\].*?(?=   \* - )", PAGE, re.S)
    assert row
    monkeypatch.setattr(sys.modules[__name__], "PAGE", PAGE.replace(row[0], ""))
    with pytest.raises(AssertionError):
        test_the_treatment_table_has_every_cause_on_linux_and_no_other()
    surplus = row[0].replace("``kernel``", "``surplus``")
    monkeypatch.setattr(sys.modules[__name__], "PAGE", PAGE.replace(row[0], row[0] + surplus))
    with pytest.raises(AssertionError):
        test_the_treatment_table_has_every_cause_on_linux_and_no_other()
