"""What is shared is asked for without the target: by whoever acquires, the target does not grow."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import Running, compiled, started
from acquiring import PAGE, Dump, kilobytes, linux_only, report_of, root_only
from sampling import sampled
from standings import NOBODY, ROOT, ROOT_WITHOUT_MAP_FILES, USER, acquire_as

pytestmark = [linux_only, root_only]

HELD = ("memfd", "memfd_offset", "memfd_private", "shm", "shm_held")
"""Shared memory that a descriptor or a name leads to."""
LOOSE = ("memfd_closed", "shm_unlinked", "anonymous", "anonymous_named", "sysv", "zero_device")
"""Shared memory that nothing leads to but map_files."""
FILES = ("file", "file_private", "file_held")
LOOSE_FILES = ("file_unlinked",)
ABSENT = (100, 101, 102)
"""Pages that somebody else has written."""
PAGES = 300 << 20 >> 12
STANDINGS = {"root": ROOT, "root_without_map_files": ROOT_WITHOUT_MAP_FILES, "user": USER}


@contextmanager
def kinds(
    uid: int, directory: Path, pages: int, *names: str
) -> Iterator[tuple[Running, dict[str, int]]]:
    """The target with these kinds, and where they are; its files are deleted in the end."""
    directory.mkdir(exist_ok=True)
    os.chown(directory, uid, uid)
    tool = shutil.which("setpriv")
    if tool is None:
        pytest.skip("needs setpriv")
    program = compiled("shared_kinds")
    program.parent.chmod(0o711)
    user = [tool, f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []
    with started([*user, str(program), str(directory), str(pages), *names]) as (process, lines):
        told = [line.split(" ", 1) for line in lines]
        try:
            yield process, {name: int(at, 16) for name, at in told if name != "path"}
        finally:
            for name, path in told:
                if name == "path":
                    os.unlink(path)


def footprint(pid: int) -> dict[str, int]:
    keys = ("VmRSS", "RssAnon", "RssFile", "RssShmem", "VmPTE")
    return {key: kilobytes(pid, key) for key in keys}


def causes(report: dict[str, Any], at: int) -> dict[str, int]:
    """Pages of the mapping at an address by cause; what is read later has rows of its own."""
    rows = {int(row["base_addr"], 16): row for row in report["regions"]}
    end, found = at + 512 * PAGE, Counter[str]()
    while at < end:
        row = rows[at]
        for cause in row.get("causes", []):
            found[cause["cause"].removesuffix("_later")] += cause["pages"]
        at += row["region_size"]
    return dict(found)


def near(found: dict[str, int], expected: dict[str, int]) -> bool:
    """Whether they are equal, but for the neighbours that the kernel maps along with a page."""
    return found.keys() == expected.keys() and all(
        expected[cause] - 16 < pages <= expected[cause] for cause, pages in found.items()
    )


@sampled()
@pytest.mark.parametrize("who", STANDINGS)
def test_every_kind(who: str, open_tmp: Path) -> None:
    """Present pages, absent ones with data, and holes, page by page."""
    standing, names = STANDINGS[who], (*HELD, *LOOSE, *FILES, *LOOSE_FILES)
    with kinds(standing.uid, open_tmp / "files", 512, *names) as (process, places):
        before = footprint(process.pid)
        assert acquire_as(standing, process.pid, open_tmp / "out.msl") == "done complete"
        after = footprint(process.pid)
        assert process.poll() is None
    for key in before:
        assert after[key] - before[key] <= 64, (key, before, after)
    dump, report = Dump(open_tmp / "out.msl"), report_of(open_tmp / "out.msl")
    for name in names:
        at = places[name]
        for number in range(3):
            assert dump.read(at + number * PAGE, PAGE) == bytes([number + 1]) * PAGE, name
        loose = name in (*LOOSE, *LOOSE_FILES) and who != "root"
        if loose:
            cause = "file_unreached" if name in LOOSE_FILES else "shared_unreached"
            assert near(causes(report, at), {cause: 509}), name
            assert dump.states(at + 32 * PAGE, at + 512 * PAGE) == {"failed": 480 * PAGE}
            continue
        if name in FILES:  # its holes are zeros of the file
            # Where the pages that it has are the file's as well, all come from there.
            told = causes(report, at)
            assert near(told, {"from_file": 509}) or told == {"from_file": 512}, name
            assert dump.read(at + 103 * PAGE, 409 * PAGE) == bytes(409 * PAGE)
        elif name not in LOOSE_FILES:
            assert near(causes(report, at), {"from_file": 3, "hole": 506}), name
            assert dump.states(at + 103 * PAGE, at + 512 * PAGE) == {"not_resident": 409 * PAGE}
        for number in ABSENT:
            assert dump.read(at + number * PAGE, PAGE) == bytes([number + 1]) * PAGE, name


@sampled("who")
@pytest.mark.parametrize("who", STANDINGS)
@pytest.mark.parametrize("name", ["memfd", "anonymous", "sysv", "shm", "memfd_private", "file"])
def test_a_hole_of_300_mib(who: str, name: str, open_tmp: Path) -> None:
    with kinds(STANDINGS[who].uid, open_tmp / "files", PAGES, name) as (process, places):
        before = footprint(process.pid)
        options = {"exclude": ["path:*/msl-*"]} if name == "file" else {}
        told = acquire_as(STANDINGS[who], process.pid, open_tmp / "out.msl", **options)
        assert told == "done complete"
        after = footprint(process.pid)
        assert process.poll() is None
    assert places
    for key in before:
        assert after[key] - before[key] < 1024, (key, before, after)


def test_touch_shared_insists(open_tmp: Path) -> None:
    """Then what somebody else has written is there, and the target has all of it."""
    with kinds(NOBODY, open_tmp / "files", 2048, "anonymous", "file_unlinked") as (process, places):
        before = footprint(process.pid)
        acquire_as(USER, process.pid, open_tmp / "out.msl", touch_shared=True)
        after = footprint(process.pid)
    dump = Dump(open_tmp / "out.msl")
    for at in places.values():
        for number in (0, 1, 2, *ABSENT):
            assert dump.read(at + number * PAGE, PAGE) == bytes([number + 1]) * PAGE
        assert dump.read(at + 103 * PAGE, 1945 * PAGE) == bytes(1945 * PAGE)
    assert after["RssShmem"] - before["RssShmem"] > 7 * 1024


# --- in a control group that has room for little -----------------------------------------------


@contextmanager
def memory_group(limit: int) -> Iterator[Path]:
    """A control group of the test's own, with a limit of memory."""
    root = Path("/sys/fs/cgroup/memory")
    version = 1 if (root / "memory.limit_in_bytes").exists() else 2
    if version == 2:
        root = Path("/sys/fs/cgroup")
    group = root / f"msl-test-{os.getpid()}"
    try:
        group.mkdir()
        name = "memory.limit_in_bytes" if version == 1 else "memory.max"
        (group / name).write_text(str(limit))
    except OSError as error:
        if group.exists():
            group.rmdir()
        pytest.skip(f"needs a memory control group: {error}")
    try:
        yield group
    finally:
        group.rmdir()


@sampled("who")
@pytest.mark.parametrize("who", STANDINGS)
@pytest.mark.parametrize("name", ["memfd", "anonymous", "sysv"])
def test_the_target_lives_in_a_group_of_64_mib(who: str, name: str, open_tmp: Path) -> None:
    with (
        memory_group(64 << 20) as group,
        kinds(STANDINGS[who].uid, open_tmp / "files", PAGES, name) as (process, _),
    ):
        (group / "cgroup.procs").write_text(str(process.pid))
        told = acquire_as(STANDINGS[who], process.pid, open_tmp / "out.msl")
        assert process.poll() is None, "the kernel killed the target"
        assert told == "done complete"
