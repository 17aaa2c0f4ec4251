"""Does a frozen capture show one moment? After Gruhn and Freiling.

The target writes ever greater numbers into one page after the other, under a lock. At any
moment page k holds the greatest number n with n mod PAGES = k that has been written: one
page too new or too old, and the capture mixes two moments.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from acquire_targets import Running, target
from acquiring import (
    PAGE,
    Dump,
    acquire,
    addresses,
    as_found,
    launched,
    linux_only,
    report_of,
    states,
    verified,
    wait_until,
)
from sampling import sampled

pytestmark = linux_only

PAGES = 4096
MAGIC = 0x5EED5EED5EED5EED


class Writer(NamedTuple):
    """A target that writes."""

    process: Running
    pages: int
    next: int


@pytest.fixture(name="writer")
def writer_that_never_pauses() -> Iterator[Writer]:
    with target("e2e_counter", "3", str(PAGES), "32", "0") as (process, lines):
        where = addresses(lines)
        yield Writer(process, where["pages"], where["next"])


class Cut(NamedTuple):
    """What a reading of all the pages shows.

    Attributes:
        latest: the greatest number found.
        strangers: pages that did not hold what they must at the moment of the latest.
        torn: pages whose fields belong to two writes; the one being written may be.
        newest: the latest time of writing, nanoseconds since the epoch.
    """

    latest: int
    strangers: list[int]
    torn: int
    newest: int


def cut(memory: bytes, start: int) -> Cut:
    rows = [struct.unpack_from("<4Q", memory, i * PAGE) for i in range(PAGES)]
    assert [row[2] for row in rows] == [start + i * PAGE for i in range(PAGES)], "pages moved"
    latest = max(row[0] for row in rows)
    strangers = [
        page for page, row in enumerate(rows) if row[0] != latest - (latest - page) % PAGES
    ]
    torn = sum(row[3] != row[0] ^ MAGIC for row in rows)
    return Cut(latest, strangers, torn, max(row[1] for row in rows))


def test_the_measure_notices_a_reading_that_takes_its_time(writer: Writer) -> None:
    """Otherwise the tests below could not fail."""
    with open(f"/proc/{writer.process.pid}/mem", "rb", buffering=0) as memory:
        half = PAGES // 2 * PAGE
        first = os.pread(memory.fileno(), half, writer.pages)
        reached = int(writer.process.ask("?"))
        wait_until(lambda: int(writer.process.ask("?")) > reached + PAGES, "it has gone round")
        second = os.pread(memory.fileno(), half, writer.pages + half)
    assert len(cut(first + second, writer.pages).strangers) > 10


def freeze_or_skip(method: str) -> None:
    """Skips, by name, where this method can't work."""
    if method == "cgroup":
        places = [
            Path(line.split()[1])
            for line in Path("/proc/mounts").read_text().splitlines()
            if line.split()[2] in ("cgroup", "cgroup2")
        ]
        if not any(os.access(place / "cgroup.procs", os.W_OK) for place in places):
            pytest.skip("needs a cgroup hierarchy that may be written to")


@sampled("method", "draft")
@pytest.mark.parametrize("draft", ["draft-2026-03", "draft-2026-10"])
@pytest.mark.parametrize("method", ["ptrace", "sigstop", "cgroup"])
def test_a_frozen_capture_shows_one_moment(
    method: str, draft: str, writer: Writer, tmp_path: Path
) -> None:
    freeze_or_skip(method)
    out, pid = tmp_path / "out.msl", writer.process.pid
    groups = Path(f"/proc/{pid}/cgroup").read_text()
    before = int(writer.process.ask("?"))
    acquire(pid, "-o", out, "--freeze", method, "--draft", draft)
    as_found(pid)
    after = int(writer.process.ask("?"))
    assert Path(f"/proc/{pid}/cgroup").read_text() == groups
    verified(out)
    dump = Dump(out)
    shown = cut(dump.read(writer.pages, PAGES * PAGE), writer.pages)
    assert shown.strangers == []
    assert shown.torn <= 1
    # The variable in another mapping is of the same moment, not only of the same region.
    (reached,) = struct.unpack("<Q", dump.read(writer.next, 8))
    assert reached in (shown.latest, shown.latest + 1)
    assert before <= reached < after
    freeze = report_of(out)["freeze"]
    assert freeze["method"] == method
    began, ended = int(freeze["began"]), int(freeze["ended"])
    assert shown.newest <= began < ended, "a page is newer than the freeze"
    # It never pauses: between its last write and the freeze there is only the freezing.
    assert began - shown.newest < 5 * 10**9
    rows = [row for row in report_of(out)["regions"] if "from_file_later" in str(row.get("causes"))]
    later = {int(row["base_addr"], 16) for row in rows}
    assert later.isdisjoint((writer.pages, writer.next))
    for region in dump.regions:
        assert began <= region.timestamp
        assert region.timestamp <= ended or region.base in later
    verified(out)


def _page_times(report: dict[str, Any]) -> tuple[int, int]:
    """When the first and the last page were read, nanoseconds since the epoch."""
    memory = report["memory"]
    first, last = int(memory["first_page_time"]), int(memory["last_page_time"])
    assert int(memory["skew"]) == last - first
    return first, last


def test_without_a_freeze_the_skew_is_told(writer: Writer, tmp_path: Path) -> None:
    out, pid = tmp_path / "out.msl", writer.process.pid
    began = time.time_ns()
    done = acquire(pid, "-o", out, "--freeze", "none")
    ended = time.time_ns()
    verified(out)
    dump = Dump(out)
    report = report_of(out)
    assert report["freeze"]["method"] == "none"
    first, last = _page_times(report)
    times = [region.timestamp for region in dump.regions if region.data]
    assert began <= first < last <= ended
    # A region's time is when its reading began; the time of a page, when it had come.
    assert all(when <= last for when in times)
    assert min(times) <= first <= sorted(times)[1]
    shown = cut(dump.read(writer.pages, PAGES * PAGE), writer.pages)
    assert shown.newest <= last
    # Who reads only stderr learns it too.
    assert b"not frozen" in done.stderr


def test_a_freeze_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """The target runs again while whoever takes the dump makes it wait."""
    limit = 1.0
    with target("e2e_counter", "1", str(PAGES), "64", "100") as (process, _):
        told = tmp_path / "out.msl.report.json"
        words = (process.pid, "-o", "-", "--max-freeze", limit, "--report", told)
        with launched(*words) as tool:
            wait_until(lambda: "t" in states(process.pid), "frozen")
            wait_until(lambda: "t" not in states(process.pid), "let go")
            _, errors = tool.communicate(timeout=60)
        assert tool.returncode == 0, errors
        assert b"--max-freeze" in errors, "what was read later moved on: nobody says so"
        freeze = report_of(tmp_path / "out.msl")["freeze"]
        assert freeze["why_ended"] == "max_freeze"
        assert int(freeze["ended"]) - int(freeze["began"]) < (limit + 5) * 10**9
        as_found(process.pid)
        first = int(process.ask("?"))
        wait_until(lambda: int(process.ask("?")) > first, "it counts on")
