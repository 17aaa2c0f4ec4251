"""What an acquisition does to its target: no memory that it did not have."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import IO, NamedTuple

import pytest
from acquire_targets import target
from acquiring import (
    PAGE,
    PATIENCE,
    Dump,
    acquire,
    addresses,
    as_found,
    kilobytes,
    launched,
    linux_only,
    present,
    report_of,
    root_only,
    verified,
)
from sampling import sampled

pytestmark = linux_only

MIB = 1024
"""In kilobytes."""


class Footprint(NamedTuple):
    """Memory of the target: kilobytes, and pages of the space that have memory."""

    resident: int
    tables: int
    shared: int
    pages: int


def footprint(pid: int, start: int, size: int) -> Footprint:
    return Footprint(
        kilobytes(pid, "VmRSS"),
        kilobytes(pid, "VmPTE"),
        kilobytes(pid, "RssShmem"),
        present(pid, start, start + size),
    )


def unchanged(pid: int, before: Footprint, start: int, size: int) -> None:
    after = footprint(pid, start, size)
    assert after.resident - before.resident < MIB, (before, after)
    assert after.tables - before.tables < MIB // 4, (before, after)
    assert after.shared - before.shared < MIB // 4, (before, after)
    assert after.pages == before.pages, (before, after)


def drained(pipe: IO[bytes], size: list[int], kept: bytearray) -> None:
    while piece := pipe.read(1 << 20):
        size[0] += len(piece)
        if len(kept) < 1 << 20:
            kept += piece[: 1 << 20]


def test_a_gigabyte_never_touched_stays_so_and_is_stored_as_zeros() -> None:
    """draft-2026-03 has no word for it; streamed, so that no disk is needed."""
    size = 1 << 30
    with target("e2e_untouched", "private", "1024") as (process, lines):
        space = addresses(lines)["space"]
        before = footprint(process.pid, space, size)
        assert before.pages == 3
        with launched(process.pid, "-o", "-", "--draft", "draft-2026-03") as tool:
            assert tool.stdout is not None
            got, kept = [0], bytearray()
            reader = threading.Thread(target=drained, args=(tool.stdout, got, kept))
            reader.start()
            reader.join(PATIENCE)
            assert not reader.is_alive(), "hangs"
            assert tool.wait(PATIENCE) == 0
        assert got[0] > size
        assert kept.startswith(b"MEMSLICE")
        as_found(process.pid)
        unchanged(process.pid, before, space, size)


CASES = [
    ("private", "draft-2026-10", (), "not_resident"),
    ("reserved", "draft-2026-10", (), "not_resident"),
    ("private", "draft-2026-10", ("--compress", "lz4"), "not_resident"),
    ("private", "draft-2026-03", ("--untouched", "failed"), "failed"),
    # Nobody could have read it: Failed says so, and terabytes are reserved like this.
    ("reserved", "draft-2026-03", (), "failed"),
    ("private", "draft-2026-10", ("--freeze", "none"), "not_resident"),
]


@sampled("kind")
@pytest.mark.parametrize(("kind", "draft", "options", "state"), CASES)
def test_a_gigabyte_never_touched_is_stored_as_nothing(
    kind: str, draft: str, options: tuple[str, ...], state: str, tmp_path: Path
) -> None:
    size, out = 1 << 30, tmp_path / "out.msl"
    with target("e2e_untouched", kind, "1024") as (process, lines):
        space = addresses(lines)["space"]
        before = footprint(process.pid, space, size)
        acquire(process.pid, "-o", out, "--draft", draft, *options)
        as_found(process.pid)
        unchanged(process.pid, before, space, size)
        written = before.pages * PAGE
        verified(out)
        assert out.stat().st_size < 8 << 20
        dump = Dump(out)
        expected = {state: size - written}
        if written:
            expected["captured"] = written
            middle = space + size // 2
            for page, byte in enumerate(b"\x11\x22\x33"):
                assert dump.read(middle + page * PAGE, PAGE) == bytes([byte]) * PAGE
        assert dump.states(space, space + size) == expected
        memory = report_of(out)["resident"]
        assert abs(int(memory["before"]) - before.resident * 1024) < 1 << 20
        assert abs(int(memory["after"]) - int(memory["before"])) < 1 << 20


@root_only
@sampled()
@pytest.mark.parametrize("kind", ["memfd", "shared"])
@pytest.mark.parametrize("draft", ["draft-2026-03", "draft-2026-10"])
def test_a_hole_in_shared_memory_is_not_filled(kind: str, draft: str, tmp_path: Path) -> None:
    """Reading a hole of tmpfs would allocate its pages, for good."""
    size, out = 64 << 20, tmp_path / "out.msl"
    with target("e2e_untouched", kind, "64") as (process, lines):
        space = addresses(lines)["space"]
        before = footprint(process.pid, space, size)
        assert before.pages == 0
        acquire(process.pid, "-o", out, "--draft", draft)
        as_found(process.pid)
        unchanged(process.pid, before, space, size)
        verified(out)
        (found,) = Dump(out).states(space, space + size).items()
        assert found[1] == size
        if found[0] == "captured":
            assert Dump(out).read(space, size) == bytes(size)
        else:
            assert found[0] == "not_resident"
            assert draft == "draft-2026-10"
