"""Reading: where it stops, what it must not touch, and what is said of what is gone."""

from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path

import pytest
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
    within,
    zoo_fixture,
)

from msl_acquire.linux import mapped, smaps
from msl_acquire.linux import memory as memory_module
from msl_acquire.linux.maps import mappings
from msl_acquire.linux.memory import LinuxMemory
from msl_acquire.model import Action, Stretch
from msl_construct.errors import TargetError

__all__ = ["fresh_fixture", "zoo_fixture"]

pytestmark = pytest.mark.skipif(not Path("/proc/self/pagemap").exists(), reason="needs Linux")


# Reading --------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 299, 300, 301, 599])
def test_read_stops_in_front_of_what_is_gone(fresh: Starter, first: int) -> None:
    process, places = fresh("large")
    place = places["large"]
    whole = within(process.pid, place)[0]._replace(end=place[1])
    with LinuxMemory(process.pid) as memory:
        gone = place[0] + first * PAGE
        assert process.ask(f"unmap {gone:x} {gone + PAGE:x}") == "done"
        into = memoryview(bytearray(whole.size))
        assert memory.read(whole, place[0], into) == first * PAGE
        for number in range(first):
            assert into[number * PAGE : (number + 1) * PAGE] == filled(TAGS["large"], number)
        failure = memory.failure(whole, gone, 600 - first)
        assert (failure.state, failure.cause, failure.pages) == ("unmapped", "unmapped", 1)
        assert failure.errno != 0
        rest = (599 - first) * PAGE
        assert memory.read(whole, gone + PAGE, into[:rest]) == rest


@pytest.fixture(params=["PROCMAP_QUERY", "maps"])
def lookup(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to find out what is mapped now."""
    if request.param == "maps":

        def refuse(*_: object, **__: object) -> None:
            raise OSError(25, "ENOTTY")

        monkeypatch.setattr(mapped, "query_vma", refuse)
    return str(request.param)


def test_unmapped_rest(fresh: Starter, lookup: str) -> None:
    process, places = fresh("anon_touched")
    start, end = places["anon_touched"]
    (mapping,) = within(process.pid, (start, end))
    with LinuxMemory(process.pid) as memory:
        process.ask(f"unmap {start + 4 * PAGE:x} {end - 2 * PAGE:x}")
        pages = carry_out(memory, mapping, [Stretch(16, Action.READ)])
    assert [what for what, _ in pages] == (
        ["read"] * 4 + ["unmapped: unmapped"] * 10 + ["read"] * 2
    )
    assert pages[15][1] == filled(TAGS["anon_touched"], 15)


def test_replaced_by_something_else(fresh: Starter, lookup: str) -> None:
    """A mapping that has taken the place of the one that was listed is not that one."""
    process, places = fresh("file_past_end")
    start, end = places["file_past_end"]
    (mapping,) = within(process.pid, (start, end))
    with LinuxMemory(process.pid) as memory:
        into = memoryview(bytearray(PAGE))
        beyond = start + 5 * PAGE
        assert memory.read(mapping, beyond, into) == 0
        failure = memory.failure(mapping, beyond, 11)
        assert (failure.state, failure.errno) == ("failed", 5)
        process.ask(f"remap {start:x} {end:x}")
        failure = memory.failure(mapping, beyond, 11)
        # The older way has listed this mapping already, and does so once.
        if lookup == "PROCMAP_QUERY":
            assert (failure.state, failure.cause, failure.pages) == ("unmapped", "replaced", 11)


def test_beyond_end_is_found_out_when_reading_fails(fresh: Starter, lookup: str) -> None:
    process, places = fresh("file_past_end")
    (mapping,) = within(process.pid, places["file_past_end"])
    with LinuxMemory(process.pid) as memory:
        pages = carry_out(memory, mapping, [Stretch(16, Action.READ)])
    assert [what for what, _ in pages] == ["read"] * 3 + ["failed: beyond_end_of_file"] * 13


@pytest.mark.parametrize("how", ["exec", "exit", "kill"])
def test_address_space_has_gone(fresh: Starter, how: str) -> None:
    """Nothing is read of the program that the process executes afterwards."""
    process, places = fresh("large")
    whole = within(process.pid, places["large"])[0]
    image = next(one for one in mappings(process.pid) if one.region_type == "image")
    with LinuxMemory(process.pid) as memory:
        into = memoryview(bytearray(300 * PAGE))
        assert memory.read(whole, whole.start, into) == 300 * PAGE
        if how == "exec":
            assert process.ask("exec") == "done"
            now = mappings(process.pid)
            assert any(one.name.endswith("sh") for one in now)
            for other in now[:-1]:
                assert memory.read(other, other.start, into[: other.size]) == 0
        elif how == "exit":
            process.stdin.write(b"exit\n")  # type: ignore[union-attr]
            process.wait(60)
        else:
            process.kill()
            process.wait(60)
        assert memory.read(whole, whole.start, into) == 0
        failure = memory.failure(whole, whole.start, 300)
        assert (failure.state, failure.cause, failure.pages) == ("unmapped", "gone", 300)
        assert memory.gone
        plans = list(memory.plans([whole, image]))
        assert sum(stretch.pages for stretch in plans[0]) == 300


def test_exec_between_two_large_reads(fresh: Starter) -> None:
    """process_vm_readv names a process: what it brings is dropped once that has executed."""
    process, places = fresh("large")
    whole = within(process.pid, places["large"])[0]
    with LinuxMemory(process.pid) as memory:
        process.ask("exec")
        stack = next(one for one in mappings(process.pid) if one.name == "[stack]")
        heap = next(one for one in mappings(process.pid) if one.size >= 1 << 17)
        into = memoryview(bytearray(heap.size))
        assert memory.read(heap, heap.start, into) == 0
        assert memory.read(stack, stack.start, memoryview(bytearray(stack.size))) == 0
        assert memory.failure(whole, whole.start, 3).cause == "gone"


def test_zombie_leader(fresh: Starter) -> None:
    process, places = fresh("--zombie", "anon_touched", "large")
    until = time.monotonic() + 60
    stat = Path(f"/proc/{process.pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < until
        time.sleep(0.01)
    with LinuxMemory(process.pid) as memory:
        assert memory.tid != process.pid
        for name in ("anon_touched", "large"):
            pages = [
                page
                for mapping in within(process.pid, places[name])
                for page in outcome(memory, mapping)
            ]
            for number, page in enumerate(pages):
                assert page == ("read", filled(TAGS[name], number))


def test_dead(fresh: Starter) -> None:
    process, _ = fresh("anon_touched")
    process.kill()
    until = time.monotonic() + 60
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < until
        time.sleep(0.01)
    with pytest.raises(TargetError, match="zombie"):
        LinuxMemory(process.pid)
    process.wait(60)
    with pytest.raises(TargetError, match="no process"):
        LinuxMemory(process.pid)


@pytest.mark.parametrize("which", ["mem", "maps"])
def test_not_permitted(monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    really = os.open

    def refuse(path: str, flags: int) -> int:
        if path == f"/proc/{os.getpid()}/{which}":
            raise PermissionError(13, "Permission denied")
        return really(path, flags)

    monkeypatch.setattr(memory_module.os, "open", refuse)
    monkeypatch.setattr(memory_module, "readable_by_call", lambda _: False)
    with pytest.raises(TargetError, match="Permission denied; run as root"):
        LinuxMemory(os.getpid())


# Fault handlers -------------------------------------------------------------------------


def test_fault_handlers_are_found_in_smaps(zoo: ZooTarget) -> None:
    process, lines = zoo
    start, _ = available(lines, "uffd_missing")
    assert smaps.fault_handlers_possible()
    found = {at for at, words in smaps.flags(process.pid).items() if words & smaps.FAULT_HANDLER}
    text = Path(f"/proc/{process.pid}/smaps").read_text(encoding="utf-8")
    by_hand = {
        int(part.split("-")[0], 16)
        for part in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", text)
        if part and {"um", "ui"} & set(part.partition("VmFlags:")[2].split())
    }
    assert start in found
    assert found == by_hand


@pytest.mark.parametrize(
    ("kinds", "read_again"),
    [(("anon_touched",), False), (("uffd_missing",), True)],
)
def test_smaps_is_read_before_the_target_stands_still(
    fresh: Starter,
    kinds: tuple[str, ...],
    read_again: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Again only where it may say something else by then: the process holds a userfaultfd."""
    process, places = fresh(*kinds)
    really, times = smaps.flags, []

    def count(tid: int) -> dict[int, frozenset[bytes]]:
        times.append(tid)
        return really(tid)

    monkeypatch.setattr(smaps, "flags", count)
    monkeypatch.setattr(smaps, "fault_handlers_possible", lambda: True)
    assert smaps.holds_fault_handler(process.pid) is read_again
    (mapping,) = within(process.pid, places[kinds[0]])
    with LinuxMemory(process.pid) as first, LinuxMemory(process.pid) as memory:
        first.look_before()
        list(first.plans([mapping]))
        memory.learnt_from(first)
        assert len(times) == 1
        memory.look_ahead()
        (plan,) = memory.plans([mapping])
        assert len(times) == 1 + read_again
        assert ("userfaultfd" in {stretch.cause for stretch in plan}) is read_again
        memory.forks = True
        memory.look_ahead()
        list(memory.plans([mapping]))
        assert len(times) == 2 + read_again


@pytest.mark.parametrize("piece", [1, 7, 64, 1000, 4096])
def test_smaps_in_pieces(zoo: ZooTarget, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    process, _ = zoo
    whole = smaps.flags(process.pid)
    text = Path(f"/proc/{process.pid}/smaps").read_bytes()
    copy = Path(f"/proc/self/fd/{os.memfd_create('smaps')}")
    try:
        copy.write_bytes(text)
        monkeypatch.setattr(smaps, "_PIECE", piece)
        monkeypatch.setattr(smaps.os, "open", lambda *_: os.dup(int(copy.name)), raising=True)
        os.lseek(int(copy.name), 0, os.SEEK_SET)
        assert smaps.flags(process.pid) == whole
    finally:
        monkeypatch.undo()
        os.close(int(copy.name))
    assert whole


def test_read_keeps_away_from_a_fault_handler(zoo: ZooTarget) -> None:
    """Even told to read them, it comes back at once from pages that nobody provides."""
    process, lines = zoo
    (mapping,) = within(process.pid, available(lines, "uffd_missing"))
    timer = threading.Timer(60, process.kill)
    timer.start()
    try:
        with LinuxMemory(process.pid) as memory:
            list(memory.plans([mapping]))
            pages = carry_out(memory, mapping, [Stretch(16, Action.READ)])
    finally:
        timer.cancel()
    assert [what for what, _ in pages] == (
        ["failed: unreadable"] * 2 + ["read"] * 2 + ["failed: unreadable"] * 12
    )
    assert process.poll() is None
