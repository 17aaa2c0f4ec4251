"""The target that has a mapping of every kind, and what becomes of its pages.

Import the fixtures `zoo` and `fresh` by name where they are wanted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from acquire_targets import Running, target

from msl_acquire.linux.maps import mappings
from msl_acquire.linux.memory import LinuxMemory
from msl_acquire.model import Action, Mapping, Stretch

PAGE = os.sysconf("SC_PAGE_SIZE")
SOURCE = Path(__file__).parent / "targets" / "zoo.c"
TAGS = {
    name: number
    for number, name in enumerate(
        re.findall(r'\{"(\w+)", \w+\}', SOURCE.read_text(encoding="utf-8")), start=1
    )
}

Zoo = dict[str, tuple[int, int]]
ZooTarget = tuple[Running, list[str]]
Starter = Callable[..., tuple[Running, Zoo]]


def filled(tag: int, number: int) -> bytes:
    """What the target writes to page `number` of a kind."""
    return bytes((tag, number & 0xFF)) * (PAGE // 2)


def ranges_of(lines: list[str]) -> Zoo:
    found = {}
    for line in lines:
        name, start, rest = line.split(" ", 2)
        if start != "-":
            found[name] = (int(start, 16), int(rest, 16))
    return found


@pytest.fixture(scope="module", name="zoo")
def zoo_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, list[str]]]:
    """A target with a mapping of every kind that can be had here."""
    with target("zoo", str(tmp_path_factory.mktemp("zoo"))) as both:
        yield both


@pytest.fixture(name="fresh")
def fresh_fixture(tmp_path: Path) -> Iterator[Callable[..., tuple[Running, Zoo]]]:
    """Starts targets with chosen kinds only."""
    with ExitStack() as stack:

        def start(*words: str) -> tuple[Running, Zoo]:
            process, lines = stack.enter_context(target("zoo", str(tmp_path), *words))
            found = ranges_of(lines)
            for line in lines:
                if " - " in line:
                    pytest.skip(f"can't be had here: {line}")
            return process, found

        yield start


def within(pid: int, place: tuple[int, int]) -> list[Mapping]:
    """The mappings at a place; they fill it."""
    found = [one for one in mappings(pid) if place[0] <= one.start and one.end <= place[1]]
    assert sum(one.size for one in found) == place[1] - place[0], found
    return found


def outcome(memory: LinuxMemory, mapping: Mapping) -> list[tuple[str, bytes]]:
    """What becomes of each page: (``read`` or the cause, bytes)."""
    (plan,) = memory.plans([mapping])
    return carry_out(memory, mapping, list(plan))


def carry_out(
    memory: LinuxMemory, mapping: Mapping, plan: list[Stretch]
) -> list[tuple[str, bytes]]:
    pages: list[tuple[str, bytes]] = []
    address = mapping.start
    for stretch in plan:
        assert stretch.pages > 0
        end = address + stretch.pages * PAGE
        if stretch.action != Action.READ:
            pages += [(stretch.cause, b"")] * stretch.pages
            address = end
        while address < end:
            into = memoryview(bytearray(end - address))
            got = memory.read(mapping, address, into)
            assert got % PAGE == 0
            pages += [("read", bytes(into[at : at + PAGE])) for at in range(0, got, PAGE)]
            address += got
            if address < end:
                failure = memory.failure(mapping, address, (end - address) // PAGE)
                assert 1 <= failure.pages <= (end - address) // PAGE
                pages += [(f"{failure.state}: {failure.cause}", b"")] * failure.pages
                address += failure.pages * PAGE
    assert len(pages) == mapping.size // PAGE
    return pages


def available(lines: list[str], name: str) -> tuple[int, int]:
    for line in lines:
        if line.startswith(f"{name} - "):
            pytest.skip(f"can't be had here: {line}")
    return ranges_of(lines)[name]
