"""Several targets that stand still at the same moment."""

from __future__ import annotations

import contextlib
import platform
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import Running, target
from acquiring import (
    Dump,
    acquire,
    addresses,
    as_found,
    launched,
    linux_only,
    report_of,
    verified,
    wait_until,
)
from sampling import sampled

pytestmark = linux_only

from msl_acquire import api  # noqa: E402
from msl_acquire.bounds import Interrupt  # noqa: E402
from msl_acquire.linux.find import children  # noqa: E402
from msl_acquire.report import Report  # noqa: E402
from msl_acquire.session import Session  # noqa: E402
from msl_acquire.several_targets import together  # noqa: E402
from msl_acquire.standstill import Standstill  # noqa: E402
from msl_construct.errors import TargetError  # noqa: E402

WORKERS = 3
SNAPSHOT = pytest.param(
    "snapshot",
    marks=pytest.mark.skipif(platform.machine() != "x86_64", reason="needs x86-64"),
)


@contextlib.contextmanager
def sharing(*words: str) -> Iterator[tuple[Running, int]]:
    with target("sharing", *words) as (process, lines):
        yield process, addresses(lines)["shared"]


def dumps(place: Path) -> dict[int, Dump]:
    found = {}
    for path in place.glob("*.msl"):
        verified(path)
        dump = Dump(path)
        found[int(dump.header["pid"])] = dump
    return found


def counts(found: dict[int, Dump], shared: int) -> set[int]:
    return {struct.unpack("<q", dump.read(shared, 8))[0] for dump in found.values()}


@sampled()
@pytest.mark.parametrize("method", ["ptrace", "sigstop", SNAPSHOT])
def test_what_they_share_agrees(method: str, tmp_path: Path) -> None:
    with sharing(str(WORKERS)) as (process, shared):
        wait_until(lambda: len(children(process.pid)) == WORKERS, "they were born")
        place = tmp_path / "together"
        acquire(process.pid, "--children", "-o", f"{place}/", "--freeze", method)
        assert len(counts(dumps(place), shared)) == 1
        pids = set(dumps(place))
        assert len(pids) == WORKERS + 1
        for pid in pids:
            as_found(pid)
        first = next(iter(pids))
        told = report_of(place / f"{first}.msl")["together"]
        for pid in pids:
            assert report_of(place / f"{pid}.msl")["together"] == told
        assert set(told["sharing"]) == pids
        stops = {stop["pid"]: stop for stop in told["stops"]}
        assert set(stops) == pids
        began = [int(stop["began"]) for stop in stops.values()]
        ended = [int(stop["ended"]) for stop in stops.values()]
        assert int(told["skew"]) == max(began) - min(began)
        assert (
            int(told["all_still_from"]) == max(began) < min(ended) == int(told["all_still_until"])
        )
        for pid, dump in dumps(place).items():
            assert stops[pid]["dump_uuid"] == dump.header["dump_uuid"]
            assert len(dump.of("related_dump")) == WORKERS
        # One by one it does not: so this can fail.
        place = tmp_path / "apart"
        acquire(process.pid, "--children", "-o", f"{place}/", "--freeze", method, "--one-by-one")
        assert len(counts(dumps(place), shared)) > 1
        assert {report_of(path)["together"] for path in place.glob("*.msl")} == {None}


@sampled()
@pytest.mark.parametrize("method", ["ptrace", SNAPSHOT])
def test_a_file_that_they_write_agrees(method: str, tmp_path: Path) -> None:
    """Also where one has it mapped and none of its pages, or privately: it is the file's."""
    file = tmp_path / "file"
    file.write_bytes(bytes(4096))
    with target("sharing", str(WORKERS), str(file)) as (process, lines):
        wait_until(lambda: len(children(process.pid)) == WORKERS, "they were born")
        wait_until(lambda: any(file.read_bytes()), "they count")
        place = tmp_path / "dumps"
        acquire(process.pid, "--children", "-o", f"{place}/", "--freeze", method)
        found = dumps(place)
        assert len(found) == WORKERS + 1
        at = addresses(lines)
        assert len(counts(found, at["shared"]) | counts(found, at["private"])) == 1


def test_those_that_are_born_meanwhile(tmp_path: Path) -> None:
    place = tmp_path / "dumps"
    with sharing("60", "grow") as (process, shared):
        wait_until(lambda: len(children(process.pid)) > 1, "some were born")
        acquire(process.pid, "--children", "-o", f"{place}/", "--no-report")
        as_found(process.pid)
        found = dumps(place)
        # Its own count, when it stood still and could make no more (one may just have been born).
        (count,) = counts({process.pid: found[process.pid]}, shared)
    assert len(found) - 1 in (count, count + 1)


def test_one_that_is_refused_keeps_nobody_from_it(tmp_path: Path) -> None:
    with target("e2e_idle") as (one, _), target("e2e_idle") as (two, _):
        with target("e2e_idle") as (gone, _):
            pass
        done = acquire(one.pid, gone.pid, two.pid, "-o", f"{tmp_path}/", code=6)
        assert f"process {gone.pid}".encode() in done.stderr
        assert set(dumps(tmp_path)) == {one.pid, two.pid}
        for dump in dumps(tmp_path).values():
            (related,) = dump.of("related_dump")
            assert dump.payload(related)["related_pid"] in (one.pid, two.pid)


# --- by phases -------------------------------------------------------------------------------


class Told:
    """Notes what it is told."""

    def __init__(self, at_first: Callable[[], None] = lambda: None) -> None:
        self.errors: dict[int, Exception] = {}
        self.order: list[int] = []
        self.reports: dict[int, Report] = {}
        self._at_first = at_first

    def refused(self, pid: int, error: Exception) -> None:
        self.errors[pid] = error

    def began(self, pid: int) -> None:
        self.order.append(pid)
        if len(self.order) == 1:
            self._at_first()

    def done(self, pid: int, report: Report) -> None:
        self.reports[pid] = report


def run(
    pids: list[int], place: Path, told: Told, interrupt: Interrupt | None = None, **options: Any
) -> None:
    asked = interrupt or Interrupt()

    def how(pid: int) -> contextlib.AbstractContextManager[Session]:
        return api.opened(pid, place / f"{pid}.msl", interrupt=asked, **options)

    together(pids, how, told, asked, descendants=children, max_freeze=options.get("max_freeze"))


@contextlib.contextmanager
def three() -> Iterator[list[int]]:
    with (
        target("e2e_counter", "1", "4000", "1", "1000") as (large, _),
        target("e2e_idle") as (one, _),
        target("e2e_idle") as (two, _),
    ):
        pids = [large.pid, one.pid, two.pid]
        yield pids
        for pid in pids:
            as_found(pid)
        assert all(process.poll() is None for process in (large, one, two))


def test_the_smallest_is_read_first_and_let_go(tmp_path: Path) -> None:
    told = Told()
    with three() as pids:
        run(pids, tmp_path, told)
        assert told.order[-1] == pids[0]
    for pid, report in told.reports.items():
        assert report["together"]["sharing"] == [pid]
    ended = {pid: int(report["freeze"]["ended"]) for pid, report in told.reports.items()}
    assert [pid for pid, _ in sorted(ended.items(), key=lambda item: item[1])] == told.order


def test_interrupted_all_are_let_go(tmp_path: Path) -> None:
    interrupt = Interrupt()
    told = Told(lambda: interrupt.request("enough"))
    with three() as pids:
        run(pids, tmp_path, told, interrupt)
        for pid in pids:
            report = told.reports[pid]
            assert report.status == "interrupted"
            path = tmp_path / f"{pid}.msl"
            verified(path, code=4)
            assert Dump(path, whole=False).header["pid"] == pid
    assert not told.errors


def test_each_has_a_bound_of_its_own(tmp_path: Path) -> None:
    """All run again while the first is about to be read, and nobody has let them go."""
    with three() as pids:

        def wait() -> None:
            for pid in pids:
                as_found(pid)

        told = Told(wait)
        run(pids, tmp_path, told, max_freeze=2.0)
        for report in told.reports.values():
            assert report["freeze"]["why_ended"] == "max_freeze"
            assert report.complete
    assert set(told.reports) == set(pids)


def test_one_that_cant_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze = Standstill.freeze

    def all_but_one(standstill: Standstill) -> None:
        if standstill.pid == stubborn:
            raise TargetError("it can't be stopped", remedy="leave it")
        freeze(standstill)

    monkeypatch.setattr(Standstill, "freeze", all_but_one)
    told = Told()
    with three() as pids:
        stubborn = pids[1]
        run(pids, tmp_path, told)
        assert set(told.errors) == {stubborn}
        assert set(told.reports) == {pids[0], pids[2]}
        assert not (tmp_path / f"{stubborn}.msl").exists()


def test_a_defect_while_one_is_read_lets_all_go(tmp_path: Path) -> None:
    def fails() -> None:
        raise KeyboardInterrupt

    with three() as pids, pytest.raises(KeyboardInterrupt):
        run(pids, tmp_path, Told(fails))


def test_all_together_would_take_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them alone would; what it says helps."""
    monkeypatch.setattr(Session, "expected_freeze", property(lambda _: 0.8))
    with three() as pids:
        with pytest.raises(TargetError, match="the last of 3 targets") as caught:
            run(pids, tmp_path, Told(), max_freeze=2.0)
        assert "--one-by-one, or --max-freeze 4" in str(caught.value)
        assert not list(tmp_path.iterdir())
        told = Told()
        run(pids, tmp_path, told, max_freeze=4.0)
        assert set(told.reports) == set(pids)


def test_killed_all_are_let_go(tmp_path: Path) -> None:
    with three() as pids:
        words = [*pids, "-o", f"{tmp_path}/dumps/", "--compress", "zstd", "--level", "19"]
        with launched(*words, "--max-freeze", "1000") as process:
            wait_until(
                lambda: list(tmp_path.glob("dumps/*")) or process.poll() is not None, "began"
            )
            time.sleep(0.3)
            process.kill()
