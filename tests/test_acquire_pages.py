"""Every kind of memory: what is planned, what is read, what is said of what can't be read.

Expectations are what the target program wrote, page by page, and what /proc/PID/pagemap,
decoded here, says before and after.
"""

from __future__ import annotations

import os
import re
import struct
import threading
import time
from array import array
from itertools import pairwise
from pathlib import Path

import pytest
from acquire_targets import target
from zoo import (
    PAGE,
    TAGS,
    Starter,
    ZooTarget,
    available,
    carry_out,
    filled,
    fresh_fixture,
    outcome,
    ranges_of,
    within,
    zoo_fixture,
)

from msl_acquire.linux.maps import mappings
from msl_acquire.linux.memory import LinuxMemory
from msl_acquire.linux.pagemap import Pagemap
from msl_acquire.model import Action, Stretch

__all__ = ["fresh_fixture", "zoo_fixture"]

HUGE = 512

pytestmark = pytest.mark.skipif(not Path("/proc/self/pagemap").exists(), reason="needs Linux")

WORDS = {
    "u": "untouched",
    "n": "untouched_no_access",
    "H": "untouched_huge",
    "h": "hole",
    "g": "guard",
    "b": "beyond_end_of_file",
    "d": "device",
    "f": "userfaultfd",
    "Z": "zero_page",
    "S": "failed: secret",
    "P": "failed: no_pages",
}
# One letter a page: c what was written, z zeros, the others as above. Only PAGEMAP_SCAN knows
# the kernel's zero page.
EXPECTED = {
    "anon_touched": "c" * 16,
    "anon_untouched": "u" * 16,
    "anon_sparse": "uuuccuuuucuuuuuu",
    "anon_zero_page": "uuZ" + "u" * 13,
    "dontneed": "ccccuuuucccccccc",
    "scattered": "cu" * 4096,
    "huge_transparent": "c" * HUGE + "u" * HUGE,
    "none_touched": "c" * 16,
    "none_untouched": "n" * 16,
    "write_only": "c" * 16,
    "exec_only": "c" * 16,
    "guard": "c" * 5 + "gg" + "c" * 9,
    "memfd_shared": "hhcchchhhhchhhhh",
    "memfd_private": "hhcchchhhhchhhhh",
    "secret": "S" * 16,
    "shared_anon": "hchhhhchhhhhhhhh",
    "sysv": "chhhhhhchhhhhhhh",
    "tmpfs_file": "hhhhchhhhhhhhhhh",
    "file_past_end": "cce" + "b" * 13,
    "file_truncated": "ccc" + "b" * 13,
    "file_deleted": "c" * 16,
    "file_cow": "cw" + "c" * 14,
    "file_hole": "zzzzc" + "z" * 11,
    "uffd_missing": "ffcc" + "f" * 12,
    "uffd_sigbus": "ffcc" + "f" * 12,
    "hugetlb": "c" + "z" * (HUGE - 1) + "H" * HUGE,
    "hugetlb_shared": "c" + "z" * (HUGE - 1) + "z" * HUGE,
    "perf_ring": "P" * 17,
    "device": "d",
    "zero_device": "uc" + "u" * 14,
    "large": "c" * 600,
    "guard_whole": "g" * 16,
}


def contents(name: str, number: int, letter: str) -> bytes:
    """What a page that can be read must hold."""
    page = filled(TAGS[name], number)
    if letter == "e":  # the file ends in it
        return page[:100] + bytes(PAGE - 100)
    if letter == "w":
        return filled(TAGS[name] + 100, number)
    return bytes(PAGE) if letter == "z" else page


@pytest.mark.parametrize("method", ["scan", "read"])
@pytest.mark.parametrize("name", EXPECTED)
def test_kind(zoo: ZooTarget, name: str, method: str) -> None:
    process, lines = zoo
    place = available(lines, name)
    needs_root(name)
    # A read of a page that a userfaultfd guards would last until the target is dead.
    timer = threading.Timer(20, process.kill)
    timer.start()
    try:
        with LinuxMemory(process.pid, pagemap_method=method_or_skip(process.pid, method)) as memory:
            pages = [
                page for mapping in within(process.pid, place) for page in outcome(memory, mapping)
            ]
    finally:
        timer.cancel()
    assert process.poll() is None
    expected = EXPECTED[name].replace("Z", "Z" if method == "scan" else "z")
    for number, (letter, (what, data)) in enumerate(zip(expected, pages)):
        assert what == WORDS.get(letter, "read"), f"page {number}"
        if letter not in WORDS:
            assert data == contents(name, number, letter), f"page {number}"
    assert len(pages) == len(EXPECTED[name])


def needs_root(name: str) -> None:
    if name in ("memfd_shared", "memfd_private", "shared_anon", "sysv", "tmpfs_file") and (
        os.geteuid() != 0
    ):
        pytest.skip("needs root: /proc/PID/map_files tells where the holes are")


def method_or_skip(pid: int, method: str) -> str:
    pagemap = Pagemap(pid)
    best = pagemap.method
    pagemap.close()
    if best != "scan" and method == "scan":
        pytest.skip("needs PAGEMAP_SCAN (Linux 6.7)")
    return method


def test_every_kind_is_expected() -> None:
    assert set(TAGS) == {*EXPECTED, "reservation"}


def test_huge_pages_are_huge(zoo: ZooTarget) -> None:
    process, lines = zoo
    start, _ = available(lines, "huge_transparent")
    text = Path(f"/proc/{process.pid}/smaps").read_text(encoding="utf-8")
    assert re.search(rf"^{start:x}-", text, re.M)
    kib = int(re.split(rf"(?m)^{start:x}-", text)[1].split("AnonHugePages:")[1].split()[0])
    if kib == 0:
        pytest.skip("needs a free huge page (transparent)")
    assert kib == 2048


# Which pages there are ------------------------------------------------------------------


def entries(pid: int, start: int, end: int) -> array[int]:
    """/proc/PID/pagemap, as it is."""
    found = array("Q")
    descriptor = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY)
    try:
        found.frombytes(os.pread(descriptor, (end - start) // PAGE * 8, start // PAGE * 8))
    finally:
        os.close(descriptor)
    return found


def test_scan_and_read_agree_with_the_entries(zoo: ZooTarget) -> None:
    process, lines = zoo
    method_or_skip(process.pid, "scan")
    places = ranges_of(lines)
    scan, read = Pagemap(process.pid, "scan"), Pagemap(process.pid, "read")
    for name, (start, end) in places.items():
        if name == "reservation":
            continue
        expected = []
        for number, entry in enumerate(entries(process.pid, start, end)):
            categories = (8 if entry >> 63 & 1 else 0) | (16 if entry >> 62 & 1 else 0)
            categories |= 256 if entry >> 58 & 1 else 0
            at = start + number * PAGE
            if not categories:
                continue
            if expected and expected[-1][1:] == (at, categories):
                expected[-1] = (expected[-1][0], at + PAGE, categories)
            else:
                expected.append((at, at + PAGE, categories))
        assert list(scan.ranges(start, end)) == expected, name
        assert list(read.ranges(start, end)) == expected, name
        if name == "scattered":
            assert len(expected) == 4096  # more than the kernel gives at once
    scan.close()
    read.close()


def test_untouched_is_mapped_and_empty_at_once() -> None:
    """Nothing mapped has no pages either; only the scan tells the two apart."""
    with target("e2e_untouched", "shared", "16") as (process, _):
        method_or_skip(process.pid, "scan")
        every = mappings(process.pid)
        scan, read = Pagemap(process.pid, "scan"), Pagemap(process.pid, "read")
        empty = [one for one in every if not any(entries(process.pid, one.start, one.end))]
        large = max(empty, key=lambda one: one.size)
        hole = large.end if all(one.start != large.end for one in every) else large.start - PAGE
        assert all(not one.start <= hole < one.end for one in every)
        used = next(one for one in every if one.name == "[heap]" or one.name == "[stack]")
        assert scan.untouched(large.start, large.end) is True
        assert scan.untouched(large.start + PAGE, large.end - PAGE) is True
        assert scan.untouched(hole, hole + PAGE) is False
        assert scan.untouched(min(hole, large.start), max(large.end, hole + PAGE)) is False
        assert scan.untouched(used.start, used.end) is False
        assert read.untouched(large.start, large.end) is None
        scan.close()
        read.close()


@pytest.mark.parametrize("size", [100, 511, 512, 513, 1024, 1025])
def test_scan_across_the_vector(zoo: ZooTarget, size: int) -> None:
    process, lines = zoo
    method_or_skip(process.pid, "scan")
    start, _ = available(lines, "scattered")
    pagemap = Pagemap(process.pid, "scan")
    found = list(pagemap.ranges(start, start + 2 * size * PAGE))
    pagemap.close()
    assert [low for low, _, _ in found] == [start + 2 * n * PAGE for n in range(size)]


def test_one_scan_serves_many_mappings(zoo: ZooTarget) -> None:
    """Planned together or one by one: the same."""
    process, _ = zoo
    every = [one for one in mappings(process.pid) if one.size < 1 << 40]
    with LinuxMemory(process.pid) as memory:
        together = [list(plan) for plan in memory.plans(every)]
        singly = [list(next(memory.plans([one]))) for one in every]
    assert together == singly
    assert [sum(s.pages for s in plan) * PAGE for plan in together] == [m.size for m in every]
    for plan in together:
        for one, other in pairwise(plan):
            assert (one.action, one.cause) != (other.action, other.cause)


def test_reservation_of_terabytes(zoo: ZooTarget) -> None:
    process, lines = zoo
    method_or_skip(process.pid, "scan")
    (mapping,) = within(process.pid, available(lines, "reservation"))
    began = time.perf_counter()
    with LinuxMemory(process.pid) as memory:
        (plan,) = memory.plans([mapping])
    assert list(plan) == [Stretch(20 << 28, Action.UNTOUCHED, "untouched_no_access")]
    assert time.perf_counter() - began < 5


def test_long_plan_is_a_sequence(zoo: ZooTarget) -> None:
    process, lines = zoo
    (mapping,) = within(process.pid, available(lines, "scattered"))
    with LinuxMemory(process.pid) as memory:
        (plan,) = memory.plans([mapping])
    read, untouched = Stretch(1, Action.READ), Stretch(1, Action.UNTOUCHED, "untouched")
    assert len(plan) == 8192
    assert (plan[0], plan[1], plan[-1]) == (read, untouched, untouched)
    assert list(plan[2:5]) == [read, untouched, read]
    assert list(plan) == [read, untouched] * 4096
    with pytest.raises(IndexError):
        plan[8192]


def test_nothing_becomes_present(fresh: Starter) -> None:
    """The pagemap of what the target had not touched is the same before and after."""
    kinds = ["anon_untouched", "anon_sparse", "none_untouched", "dontneed", "huge_transparent"]
    process, places = fresh(*kinds, "zero_device", "reservation", "shared_anon")
    names = [name for name in places if name not in ("reservation", "shared_anon")]
    # Once around, so that the target has the buffers that it reads commands with.
    assert process.ask("nothing") == "done"
    before = {name: entries(process.pid, *places[name]) for name in names}
    sizes = status(process.pid)
    with LinuxMemory(process.pid) as memory:
        every = mappings(process.pid)
        for mapping, plan in zip(every, memory.plans(every)):
            if mapping.size < 1 << 40:
                carry_out(memory, mapping, list(plan))
    assert {name: entries(process.pid, *places[name]) for name in names} == before
    after = status(process.pid)
    assert after["RssAnon"] == sizes["RssAnon"]
    assert after["RssShmem"] == sizes["RssShmem"]  # though a child has written another page
    assert after["VmPTE"] == sizes["VmPTE"]


def status(pid: int) -> dict[str, int]:
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    return {name: int(kib) for name, kib in re.findall(r"(\w+):\s+(\d+) kB", text)}


# Kernel mappings ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["[vvar]", "[vsyscall]", "[vdso]"])
def test_kernel_mapping(zoo: ZooTarget, name: str) -> None:
    process, _ = zoo
    found = [one for one in mappings(process.pid) if one.name == name]
    if not found:
        pytest.skip(f"no {name} here")
    with LinuxMemory(process.pid) as memory:
        pages = outcome(memory, found[0])
        if name == "[vdso]":
            assert pages[0][1][:4] == b"\x7fELF"
            assert {what for what, _ in pages} == {"read"}
        else:
            assert {what for what, _ in pages} == {"kernel"}
            assert memory.read(found[0], found[0].start, memoryview(bytearray(PAGE))) == 0
            assert memory.failure(found[0], found[0].start, 1).state in ("failed", "unmapped")


def test_struct_sizes() -> None:
    """As linux/fs.h has them, which the ioctl numbers repeat."""
    from msl_acquire.linux import syscalls

    assert syscalls._SCAN.size == 96 == syscalls._PAGEMAP_SCAN >> 16 & 0x3FFF
    assert syscalls._QUERY.size == 104 == syscalls._PROCMAP_QUERY >> 16 & 0x3FFF
    assert struct.calcsize("P") * 2 == 16
