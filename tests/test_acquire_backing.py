"""The ways to the file behind a mapping, one by one, and what happens when there are none left."""

from __future__ import annotations

import errno
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from acquire_targets import started
from acquiring import linux_only
from open_files import descriptors
from zoo import PAGE, Starter, carry_out, fresh_fixture, outcome, within

from msl_acquire.linux.backing import Backings
from msl_acquire.linux.maps import details, mappings
from msl_acquire.linux.memory import LinuxMemory
from msl_acquire.linux.treatment import Treatments
from msl_acquire.model import Action, Mapping

__all__ = ["fresh_fixture"]

pytestmark = linux_only

_MAPPER = """
import mmap, os, sys
first, other = sys.argv[1:]
os.link(first, other)
held, file = os.open(other, os.O_RDONLY), os.open(first, os.O_RDWR)
area = mmap.mmap(file, 0)
os.close(file)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(name="linked")
def linked_fixture(tmp_path: Path) -> Iterator[tuple[int, Mapping, Path]]:
    """A process that maps a file by one name and holds it open by another."""
    first, other = tmp_path / "first", tmp_path / "other"
    first.write_bytes(b"\x42" * 3 * PAGE)
    with started([sys.executable, "-c", _MAPPER, str(first), str(other)]) as (process, _):
        (mapping,) = (one for one in mappings(process.pid) if one.name == str(first))
        yield process.pid, mapping, first


def only(backings: Backings, *ways: str) -> Backings:
    """With these ways and no others."""

    def none(*_: object) -> int:
        return -1

    for way in {"_by_mapping", "_by_descriptor", "_by_name"} - set(ways):
        setattr(backings, way, none)
    return backings


@pytest.mark.parametrize("way", ["_by_mapping", "_by_descriptor", "_by_name"])
def test_each_way_leads_to_the_file(way: str, linked: tuple[int, Mapping, Path]) -> None:
    pid, mapping, first = linked
    if way == "_by_mapping" and os.geteuid():
        pytest.skip("needs root: map_files")
    backings = only(Backings(pid), way)
    with backings.opened(mapping, details(mapping)) as descriptor:
        assert os.fstat(descriptor).st_ino == first.stat().st_ino
        assert os.pread(descriptor, PAGE, PAGE) == b"\x42" * PAGE
    backings.close()
    with pytest.raises(OSError, match="no way"), only(backings).opened(mapping, details(mapping)):
        pass


def test_another_file_of_that_name_is_not_taken(linked: tuple[int, Mapping, Path]) -> None:
    pid, mapping, first = linked
    first.unlink()
    for make in (lambda: first.write_bytes(b"another"), lambda: os.mkfifo(first)):
        make()
        backings = only(Backings(pid), "_by_name")
        assert backings.look(mapping, details(mapping)) is None
        backings.close()
        first.unlink()


def test_few_files_are_open_at_once(fresh: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msl_acquire.linux.backing._MOST_OPEN", 2)
    process, places = fresh("file_deleted", "file_cow", "file_hole", "file_past_end")
    before = descriptors()
    with LinuxMemory(process.pid) as memory:
        opened = descriptors()
        assert opened - before
        for place in (*places.values(), *places.values()):
            for mapping in within(process.pid, place):
                outcome(memory, mapping)
                assert len(descriptors() - opened) <= 3  # and the root folder
    assert not descriptors() - before


def test_no_descriptor_is_left(fresh: Starter) -> None:
    """What could be read from its file fails then, with the reason, and nothing is touched."""
    process, places = fresh("file_hole")
    (mapping,) = within(process.pid, places["file_hole"])
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with LinuxMemory(process.pid) as memory:
        (plan,) = memory.plans([mapping])
        if {stretch.cause for stretch in plan} - {"", "from_file"}:
            pytest.skip("nothing leads to the file (needs root)")
        memory._backings.close()
        highest = max(int(name) for name in os.listdir("/proc/self/fd"))
        blocked = [os.open("/dev/null", os.O_RDONLY) for _ in range(highest)]
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(blocked) + 1, limits[1]))
            into = memoryview(bytearray(PAGE))
            assert memory.read(mapping, mapping.start, into) == 0
            failure = memory.failure(mapping, mapping.start, 16)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            for descriptor in blocked:
                os.close(descriptor)
        assert (failure.state, failure.cause) == ("failed", "file_unreached")
        assert failure.errno == errno.EMFILE
        pages = carry_out(memory, mapping, list(plan))
        assert {what for what, _ in pages} == {"read"}


def test_nothing_is_opened_in_a_target_that_is_asked_about_it(
    linked: tuple[int, Mapping, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands still, and would never answer."""
    pid, mapping, _ = linked
    backings = Backings(pid)
    monkeypatch.setattr(backings, "_held", lambda: {b"anon_inode:[fanotify]": ["3"]})
    found = Treatments(backings).of(mapping)
    assert (found.present, found.absent) == (Action.READ, Action.SKIP)
    assert found.cause == "file_unreached"
    with pytest.raises(OSError, match="decides"), backings.opened(mapping, details(mapping)):
        pass
    backings.close()
