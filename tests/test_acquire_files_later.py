"""What is read from files when the target has been let go is what it held when it stood still."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from acquire_targets import Running
from acquiring import PAGE, Dump, acquire, linux_only, report_of, root_only
from test_acquire_shared import PAGES, causes, kinds

pytestmark = [linux_only, root_only]

from msl_acquire.backend import Pageable  # noqa: E402
from msl_acquire.linux.pagemap import Pagemap  # noqa: E402
from msl_acquire.linux.target import LinuxTarget  # noqa: E402
from msl_acquire.model import Action, Mapping, Stretch  # noqa: E402

OWN = 3
"""Pages that the target has written or read of each mapping."""


@pytest.fixture(autouse=True)
def scanning() -> None:
    pagemap = Pagemap(os.getpid())
    method = pagemap.method
    pagemap.close()
    if method != "scan":
        pytest.skip("needs PAGEMAP_SCAN (Linux 6.7)")


@contextmanager
def stopped(name: str, tmp: Path) -> Iterator[tuple[Running, LinuxTarget, Mapping]]:
    """A target that stands still, and one of its mappings."""
    with kinds(0, tmp / "files", PAGES, name) as (process, places):
        target = LinuxTarget(process.pid)
        try:
            target.prepare()
            hold = target.freeze("ptrace", 30)
            target.copy(lambda mappings: mappings)
            (mapping,) = [one for one in target.mappings() if one.start == places[name]]
            yield process, target, mapping
            hold.thaw()
        finally:
            target.close()


def let_go(target: LinuxTarget) -> None:
    assert target._hold is not None
    target._hold.thaw()


def read(reader: Pageable, mapping: Mapping, page: int, pages: int) -> bytes:
    into = bytearray(pages * PAGE)
    got = reader.read(mapping, mapping.start + page * PAGE, memoryview(into))
    return bytes(into[:got])


def test_a_private_file_is_what_it_was_whatever_the_target_does(open_tmp: Path) -> None:
    with stopped("file_private", open_tmp) as (process, target, mapping):
        later, reader = target.readable_later([mapping], alone=True)
        assert list(later) == [mapping]
        assert reader is not None
        (plan,) = reader.plans([mapping])
        assert list(plan) == [Stretch(PAGES, Action.READ, "from_file_later")]
        let_go(target)
        # It writes: what it has from then on is its own.
        with open(f"/proc/{process.pid}/mem", "r+b", 0) as memory:
            memory.seek(mapping.start)
            memory.write(b"\xee" * PAGE)
        assert read(reader, mapping, 0, 1) == b"\x01" * PAGE
        process.kill()
        process.wait()
        assert read(reader, mapping, 0, 3) == b"\x01" * PAGE + b"\x02" * PAGE + b"\x03" * PAGE
        assert read(reader, mapping, 101, 1) == bytes([102]) * PAGE
        assert read(reader, mapping, PAGES - 1, 1) == bytes(PAGE)


def test_a_private_file_that_the_target_has_written_to_is_read_while_it_stands(
    open_tmp: Path,
) -> None:
    with kinds(0, open_tmp / "files", PAGES, "file_private") as (process, places):
        at = places["file_private"]
        with open(f"/proc/{process.pid}/mem", "r+b", 0) as memory:
            memory.seek(at + PAGE)
            memory.write(b"\xee" * PAGE)
        acquire(process.pid, "-o", open_tmp / "out.msl")
    dump = Dump(open_tmp / "out.msl")
    assert dump.read(at, 3 * PAGE) == b"\x01" * PAGE + b"\xee" * PAGE + b"\x03" * PAGE
    assert dump.read(at + 100 * PAGE, PAGE) == bytes([101]) * PAGE
    assert dump.read(at + 103 * PAGE, 1 << 20) == bytes(1 << 20)
    rows = [row for row in report_of(open_tmp / "out.msl")["regions"] if row["name"]]
    mine = [row for row in rows if at <= int(row["base_addr"], 16) < at + PAGES * PAGE]
    assert sum(row["region_size"] for row in mine) == PAGES * PAGE


def test_a_file_that_somebody_writes_to_meanwhile_is_not_taken_for_what_it_was(
    open_tmp: Path,
) -> None:
    with stopped("file_private", open_tmp) as (process, target, mapping):
        _, reader = target.readable_later([mapping], alone=True)
        assert reader is not None
        let_go(target)
        path = Path(f"/proc/{process.pid}/map_files/{mapping.start:x}-{mapping.end:x}")
        with path.open("r+b", 0) as file:
            file.seek(200 * PAGE)
            file.write(b"\xdd" * PAGE)
        assert read(reader, mapping, 100, 1) == b""
        failure = reader.failure(mapping, mapping.start + 100 * PAGE, 7)
        assert (failure.state, failure.cause, failure.pages) == ("failed", "file_changed", 7)


@pytest.mark.parametrize("name", ["memfd", "anonymous"])
def test_what_it_does_not_have_of_shared_memory(name: str, open_tmp: Path) -> None:
    """Holes stay holes; what others wrote is read later, unless they stand still for it."""
    for alone in (True, False):
        (open_tmp / str(alone)).mkdir()
        with stopped(name, open_tmp / str(alone)) as (_, target, mapping):
            path = f"/proc/{target.pid}/map_files/{mapping.start:x}-{mapping.end:x}"
            with open(path, "r+b", 0) as file:
                file.seek(1024 * PAGE)
                file.write(b"\xaa" * (2 << 20))
            later, reader = target.readable_later([mapping], alone=alone)
            assert not later
            assert reader is not None
            (plan,) = target.plans([mapping])
            put_off = [one for one in plan if one.action is Action.LATER]
            assert [one.pages for one in put_off] == ([512] if alone else [])
            if alone:
                let_go(target)
                assert read(reader, mapping, 1024, 512) == b"\xaa" * (2 << 20)


@pytest.mark.parametrize("alone", [True, False])
def test_what_it_does_not_have_of_a_file_that_others_may_write_to(
    alone: bool, open_tmp: Path
) -> None:
    """One page is its own, so the mapping is read in parts."""
    with stopped("file_private", open_tmp) as (process, target, mapping):
        with open(f"/proc/{process.pid}/mem", "r+b", 0) as memory:
            memory.seek(mapping.start)
            memory.write(b"\xee" * PAGE)
        later, _ = target.readable_later([mapping], alone=alone)
        assert not later
        (plan,) = target.plans([mapping])
        assert any(one.action is Action.LATER for one in plan) is alone


def test_the_dump_has_it_all_and_says_so(open_tmp: Path) -> None:
    with kinds(0, open_tmp / "files", 512, "file_private", "file") as (process, places):
        acquire(process.pid, "-o", open_tmp / "out.msl", "--compress", "zstd")
    dump, report = Dump(open_tmp / "out.msl"), report_of(open_tmp / "out.msl")
    for at in places.values():
        for number in range(OWN):
            assert dump.read(at + number * PAGE, PAGE) == bytes([number + 1]) * PAGE
            assert dump.read(at + (100 + number) * PAGE, PAGE) == bytes([101 + number]) * PAGE
        assert dump.states(at, at + 512 * PAGE) == {"captured": 512 * PAGE}
        assert causes(report, at).keys() == {"from_file"}
    told = {one["cause"]: one["pages"] for one in report["memory"]["causes"]}
    assert told["from_file_later"] >= 512
    # Its last page is as old as the stop, however long the rest took.
    assert int(report["memory"]["last_page_time"]) <= int(report["freeze"]["ended"])
