"""What an acquisition would take is known before it, and too much of it refused."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import threading
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import target
from acquiring import PAGE, acquire, as_found, kilobytes, linux_only, report_of, tasks, verified
from sampling import sampled

import msl_acquire
from msl_acquire import room
from msl_acquire.estimate import Work, estimate, too_long
from msl_acquire.linux import smaps
from msl_acquire.linux.system import Linux
from msl_acquire.linux.target import LinuxTarget
from msl_acquire.model import READ, Limit, Mapping
from msl_acquire.options import MAX_FREEZE, Options
from msl_acquire.output import DumpOutput

OLD = "draft-2026-03"
TERABYTE = 1 << 40
GIB_PAGES = (1 << 30) // PAGE


def work(**more: object) -> Work:
    return Work(PAGE, 40, 1)._replace(**more)  # type: ignore[arg-type]


PIPE, DISK = DumpOutput(False), DumpOutput(True, False, 1 << 50)


def test_what_is_read_and_what_is_stored_as_zeros() -> None:
    some = work(read=100, untouched=1000, others=7)
    new = estimate(some, Options(), PIPE)
    assert (new.read, new.zeros, new.not_stored) == (100, 0, 1007)
    assert new.size == 100 * PAGE
    old = estimate(some, Options(draft=OLD), PIPE)
    assert (old.read, old.zeros, old.not_stored) == (100, 1000, 7)
    assert old.size == 1100 * PAGE
    failed = estimate(some, Options(draft=OLD, untouched="failed"), PIPE)
    assert (failed.zeros, failed.size) == (0, 100 * PAGE)
    assert estimate(some, Options(freeze="none"), PIPE).freeze == 0


@pytest.mark.parametrize(
    ("options", "much"),
    [
        ({"compress": "zstd", "level": 19}, {"read": 8 * GIB_PAGES}),
        ({"compress": "zstd", "draft": OLD}, {"untouched": 1024 * GIB_PAGES}),
        ({"draft": OLD}, {"untouched": 1024 * GIB_PAGES}),
        ({}, {"read": 512 * GIB_PAGES}),
    ],
    ids=["level", "zeros, compressed", "zeros", "read"],
)
def test_what_is_suggested_works(options: dict[str, object], much: dict[str, int]) -> None:
    """Every choice that is named brings the expected freeze below the bound."""
    pages = sum(much.values())
    mapping = Mapping(1 << 40, (1 << 40) + pages * PAGE, READ, "anonymous", "", b"")
    some = work(
        **much,
        largest=mapping,
        largest_read=much.get("read", 0),
        largest_untouched=much.get("untouched", 0),
    )
    chosen = Options(**options)  # type: ignore[arg-type]
    assert chosen.max_freeze == MAX_FREEZE == 30
    error = too_long(some, chosen, DISK)
    assert error is not None
    assert too_long(some, Options(**{**options, "max_freeze": None}), DISK) is None  # type: ignore
    suggested = error.remedy.split("; or ")
    assert any(f"--exclude address:{mapping.start:#x}-{mapping.end:#x}" in s for s in suggested)
    assert too_long(some.without_largest(), chosen, DISK) is None
    for text in suggested:
        changed = {**options, "max_freeze": 30.0}
        words = shlex.split(text.partition(",")[0])
        if words[:2] == ["no", "--level"]:
            changed["level"] = None
        for name, value in itertools.pairwise(words):
            if name == "--exclude":
                changed = {"freeze": "none"}
            elif name == "--max-freeze":
                changed["max_freeze"] = float(value)
            elif name == "--compress":
                changed |= {"compress": value, "level": None}
            elif name.startswith("--") and name != "--level":
                changed[name[2:]] = value
        assert too_long(some, Options(**changed), DISK) is None, text  # type: ignore[arg-type]


@linux_only
@sampled()
@pytest.mark.parametrize("more", [(), ("--compress", "zstd"), ("--compress", "lz4")], ids=" ".join)
def test_a_terabyte_that_nobody_touched(more: tuple[str, ...], tmp_path: Path) -> None:
    dump = tmp_path / "a.msl"
    with target("limits_reserved", "1024") as (process, _):
        before = kilobytes(process.pid, "VmRSS")
        for bound in ((), ("--max-freeze", "60")):
            done = acquire(process.pid, "-o", dump, "--draft", OLD, *more, *bound, code=6)
            assert b"stand still" in done.stderr or b"are free for it" in done.stderr
            assert b"--draft draft-2026-10" in done.stderr
            assert not dump.exists()
        assert process.ask("?") == "alive"
        acquire(process.pid, "-o", dump, *more)  # what was suggested
        verified(dump)
        assert int(report_of(dump)["freeze"]["duration"]) < 10e9
        acquire(process.pid, "-o", dump, "--force", "--draft", OLD, "--untouched", "failed", *more)
        verified(dump)
        assert process.ask("?") == "alive"
        as_found(process.pid)
        assert kilobytes(process.pid, "VmRSS") < before + 1024


@linux_only
def test_a_level_that_takes_minutes(tmp_path: Path) -> None:
    dump = tmp_path / "a.msl"
    with target("limits_heap", "64") as (process, _):
        slow = ("--compress", "zstd", "--level", "19", "--max-freeze", "1")
        done = acquire(process.pid, "-o", dump, *slow, code=6)
        assert b"no --level" in done.stderr
        assert b"--max-freeze" in done.stderr
        assert not dump.exists()
        assert process.ask("?")
        as_found(process.pid)


@linux_only
def test_a_dry_run_touches_nobody_and_writes_nothing(tmp_path: Path) -> None:
    dump = tmp_path / "folder" / "a.msl"
    with target("limits_heap", "8") as (process, _):
        threads = tasks(process.pid)
        done = acquire(process.pid, "--dry-run", "-o", dump)
        assert done.stderr == b""
        text = done.stdout.decode()
        assert text.startswith(f"process {process.pid}: could be acquired\n")
        for name in ("to read:", "dump:", "standing still:", "own memory:"):
            assert name in text
        told = json.loads(acquire(process.pid, "--dry-run", "--json").stdout)
        assert told["pid"] == process.pid
        assert told["refusals"] == []
        assert 8 << 20 <= told["size"] < 32 << 20
        slow = ("--compress", "zstd", "--level", "19", "--max-freeze", "0.01")
        done = acquire(process.pid, "--dry-run", *slow, code=6)
        assert b"would be refused" in done.stdout
        assert re.search(rb"refused: +the target would stand still", done.stdout)
        assert acquire(process.pid, "--dry-run", "-o", f"{tmp_path}/new/").returncode == 0
        assert list(tmp_path.iterdir()) == []
        assert tasks(process.pid) == threads
        as_found(process.pid)
        found = msl_acquire.estimate(process.pid, "/dev/null")
        assert (found.read * PAGE, found.waits) == (found.size, False)


@linux_only
def test_a_dry_run_refuses_whom_nobody_can_acquire() -> None:
    done = acquire(os.getppid() if os.getppid() == 1 else 0, "--dry-run", code=6)
    assert done.stdout == b""


@linux_only
def test_the_estimate_is_what_comes_of_it(tmp_path: Path) -> None:
    """Its pages are those of the dump; the seconds are of the right kind."""
    dump = tmp_path / "a.msl"
    with target("limits_heap", "32") as (process, _):
        acquire(process.pid, "-o", dump, "--max-freeze", "none")
        report = report_of(dump)
        told = report["preflight"]["estimate"]
        captured = report["memory"]["pages"]["captured"]
        assert abs(told["read"] - captured) < 16
        assert 0 < told["freeze"] < 5
        assert report["options"]["max_freeze"] is None


@pytest.mark.parametrize("value", ["0", "-1", "nan", "soon", ""])
def test_no_such_bound(value: str) -> None:
    assert b"--max-freeze" in acquire(1, "-o", "x", "--max-freeze", value, code=2).stderr


def test_an_output_is_needed() -> None:
    assert b"-o" in acquire(1, code=2).stderr
    assert b"--dry-run" in acquire(1, "-o", "x", "--json", code=2).stderr


@linux_only
@pytest.mark.parametrize("limited", [False, True])
def test_what_takes_long_is_begun_beside_the_estimate(
    limited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, however often it is needed; not ahead of it where memory may not suffice."""
    order: list[str] = []
    flags, prepare, look = smaps.flags, LinuxTarget.prepare, room.look
    hashing = threading.Event()

    def counted(tid: int) -> dict[int, frozenset[bytes]]:
        order.append("smaps")
        return flags(tid)

    def begun(self: LinuxTarget, hash_algo: str = "blake3") -> None:
        order.append("hashes")
        hashing.set()
        prepare(self, hash_algo)

    def estimated(*arguments: Any) -> Any:
        assert limited or hashing.wait(60)
        order.append("estimate")
        return look(*arguments)

    monkeypatch.setattr(smaps, "fault_handlers_possible", lambda: True)
    monkeypatch.setattr(smaps, "flags", counted)
    monkeypatch.setattr(LinuxTarget, "prepare", begun)
    monkeypatch.setattr(room, "look", estimated)
    roomy = Limit("memory", "memory.max", "/a/group", 1 << 50, 0, shared=True)
    monkeypatch.setattr(Linux, "limits", lambda *_: [roomy] if limited else [])
    with target("limits_heap", "8") as (process, _):
        assert msl_acquire.acquire(process.pid, os.devnull).complete
    assert order.count("smaps") == order.count("hashes") == 1
    assert (order.index("hashes") > order.index("estimate")) is limited
