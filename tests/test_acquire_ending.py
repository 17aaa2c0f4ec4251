"""What the user is told in the end: sizes by state and cause, and what is amiss."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import target
from acquiring import acquire, linux_only, report_of

from msl_acquire import Report
from msl_acquire.ending import deficiencies, held, summary, tell
from msl_construct.cli.common import Exit

MIB = 256
"""Pages."""


def made(**changes: Any) -> Report:
    """A report of a healthy target: most of what failed are reservations that nobody may read."""
    sections: dict[str, Any] = {
        "memory": {
            "pages": {"captured": 375 * MIB // 4, "failed": 16_359, "not_resident": 1200 * MIB},
            "known_zeros": 0,
            "skew": "200000000",
            "idle_selectors": [],
            "causes": [
                {"state": "failed", "cause": "no_access", "errno": None, "pages": 16_352},
                {"state": "failed", "cause": "guard", "errno": "EIO", "pages": 4},
                {"state": "failed", "cause": "device", "errno": None, "pages": 2},
                {"state": "failed", "cause": "kernel", "errno": None, "pages": 1},
                {"state": "not_resident", "cause": "untouched", "errno": None, "pages": 1200 * MIB},
            ],
        },
        "freeze": {"method": "ptrace", "duration": "134000000", "why_ended": "done"},
        "target": {"page_size": 4096, "modules": []},
        "after": {"verdict": "as_found", "detail": ""},
    }
    for name, values in changes.items():
        sections[name] = {**sections[name], **values}
    return Report(sections=sections)


def test_sizes_by_state_and_cause() -> None:
    lines = list(summary(made(), 7, ["a.msl", "a.msl.report.json"]))
    assert lines == [
        "process 7: captured 93.8 MiB, 468.8 MiB/s, frozen 134 ms",
        "failed 63.9 MiB (no access 63.9 MiB, guard 16.0 KiB, device 8.0 KiB, other 4.0 KiB); "
        "not resident 1.2 GiB (untouched)",
        "written: a.msl, a.msl.report.json",
    ]
    assert not [line for line in lines if "page" in line]


def test_zeros_are_not_called_captured() -> None:
    report = made(memory={"pages": {"captured": 300 * MIB}, "known_zeros": 100 * MIB, "causes": []})
    first, second, *_ = summary(report, 7, [])
    assert "captured 200.0 MiB" in first
    assert second == "known zeros 100.0 MiB"
    assert held(report) == "captured 200.0 MiB; known zeros 100.0 MiB"


def test_nothing_certain() -> None:
    assert held(made(memory={"pages": {}, "causes": []})) == "no page is certain to be in it"


def test_what_has_no_hash_is_said() -> None:
    modules = [
        {"path": path, "disk_hash": None if path != "/bin/x" else "00"}
        for path in ("/bin/x", "/lib/a", "/lib/b (deleted)", "/lib/c (deleted)", "[vdso]")
    ]
    problems = {
        "/lib/a": "not hashed: no time was left for it",
        "/lib/b (deleted)": "not hashed: it is deleted",
        "/lib/c (deleted)": "not hashed: it is deleted",
    }
    report = made(target={"modules": modules, "module_problems": problems})
    assert "3 modules without hash: it is deleted (2), no time was left for it (1)" in list(
        summary(report, 7, [])
    )


def test_what_is_amiss_is_said_whatever_the_dump(capsys: pytest.CaptureFixture[str]) -> None:
    stuck = [{"thread_id": number, "reason": "sleeps (state D)"} for number in range(5)]
    report = made(freeze={"not_stopped": stuck})
    (line,) = deficiencies(report, 7)
    assert line.startswith(
        "process 7: 5 threads did not stop, and may have run on: 0 (sleeps (state D)), 1"
    )
    assert line.endswith("and 2 more")
    assert tell(report, 7, ["a.msl"], quiet=True) is Exit.FINE
    assert "did not stop" in capsys.readouterr().err


@pytest.mark.parametrize("quiet", [False, True])
def test_a_target_that_did_not_outlive_it(quiet: bool, capsys: pytest.CaptureFixture[str]) -> None:
    report = made(after={"verdict": "ended", "detail": "process 7 ended by SIGSYS"})
    assert tell(report, 7, ["a.msl"], quiet=quiet) is Exit.INCOMPLETE
    assert "process 7 ended by SIGSYS" in capsys.readouterr().err


def test_a_healthy_target_raises_no_alarm_and_quiet_says_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert tell(made(), 7, ["a.msl"], quiet=True) is Exit.FINE
    assert capsys.readouterr().err == ""


@linux_only
def test_a_real_one(tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    with target("e2e_counter", "1", "64", "8", "200") as (process, _):
        done = acquire(process.pid, "-o", out, "--draft", "draft-2026-03")
        text = done.stderr.decode()
        assert re.search(r"captured \d+\.\d MiB, \S+ [KMG]iB/s, frozen \S+ m?s\n", text), text
        assert f"written: {out}, {out}.report.json" in text
        assert "known zeros" in text
        memory = report_of(out)["memory"]
        zeros = sum(row["pages"] for row in memory["causes"] if row["cause"] == "untouched")
        assert 0 < zeros <= memory["known_zeros"] < memory["pages"]["captured"]
        assert acquire(process.pid, "-o", tmp_path / "q.msl", "--quiet").stderr == b""
