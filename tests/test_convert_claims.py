"""Files that claim a lot with few bytes: what comes of them is in proportion to their size."""

from __future__ import annotations

import struct

import pytest
from foreign_files import PAGE, elf_core, macho_core, minidump, note, page, status
from test_convert_limits import SEGMENT, read

from msl_construct.convert.elf_core import gathering
from msl_construct.errors import LimitError


def test_of_a_threads_notes_of_one_kind_the_first_counts() -> None:
    """A thread whose notes repeat would keep all of them, and every register of each."""
    for owner, kind, other in ((b"CORE", 1, 2), (b"NetBSD-CORE@1", 33, 33)):
        first = status("<", True, 12, struct.pack("<27Q", *range(27)))
        if kind == 33:
            first = note("<", owner, kind, struct.pack("<26Q", *range(26)))
        content = bytes([7] * 512) if other == 2 else bytes([7] * 208)
        found = read(elf_core("<", True, 62, first + note("<", owner, other, content) * 5, SEGMENT))
        (thread,) = found.threads
        names = [one.name for one in thread.registers]
        assert len(names) == len(set(names)) > 20
        kept = 4 if other == 2 else 5
        assert found.remarks["notes_left_out"] == f"{owner.decode()}:{other:#x}*{kept}"


def test_threads_beyond_the_most_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = b"".join(status("<", True, number, bytes(27 * 8)) for number in range(1, 6))
    notes += note("<", b"CORE", 2, bytes(512))
    monkeypatch.setattr(gathering, "MOST_THREADS", 3)
    found = read(elf_core("<", True, 62, notes, SEGMENT))
    assert [one.thread_id for one in found.threads] == [1, 2, 3]
    assert "st0" not in {one.name for one in found.threads[2].registers}
    assert found.faults[0].startswith("2 threads more than")
    assert found.remarks["notes_left_out"] == "CORE:0x2*1"


@pytest.mark.parametrize("form", ["elf", "macho"])
def test_bytes_that_are_memory_at_very_many_addresses(form: str) -> None:
    """A dump of what such a file claims would be as large as its author likes."""
    rows = [(0x10000 * number, page(1), PAGE, 6) for number in range(1, 40)]
    if form == "elf":
        data = bytearray(elf_core("<", True, 62, b"", rows))
        places = [64 + 56 * number + 8 for number in range(1, 40)]
    else:
        data = bytearray(macho_core(rows, []))
        places = [32 + 72 * number + 40 for number in range(39)]
    for at in places:
        data[at : at + 8] = data[places[0] : places[0] + 8]
    assert len(read(bytes(data)).mappings) == 39
    end = struct.unpack_from("<Q", data, places[0])[0] + PAGE
    with pytest.raises(LimitError, match="more than 8 addresses"):
        read(bytes(data[:end]))


def test_rows_that_lead_to_one_long_name_or_context() -> None:
    count = 200
    system = struct.pack("<HHHBBIIIIIHH24s", 9, 0, 0, 1, 1, 10, 0, 19045, 2, 0, 0, 0, b"")
    at = 32 + 3 * 12 + len(system) + 4 + 108 * count + 4 + 48 * count
    name = struct.pack("<I", 60_000) + "n".encode("utf-16-le") * 30_000
    modules, threads = (struct.pack("<I", count) for _ in "12")
    for number in range(1, count + 1):
        modules += struct.pack("<QIIII52xII8x16x", number * PAGE, PAGE, 0, 0, at, 0, 0)
        row = (number, 0, 0, 0, 0, 0, 0, 0, 1232, at + len(name))
        threads += struct.pack("<IIIIQQIIII", *row)
    context = bytearray(1232)
    struct.pack_into("<I", context, 0x30, 0x10001F)
    data = minidump([(7, system), (4, modules), (3, threads)], tail=name + bytes(context))
    found = read(data)
    named = [one for one in found.modules if one.path]
    assert 4 * len(data) - 60_000 <= 60_000 * len(named) <= 4 * len(data)
    assert len(found.threads) == len(data) // 1232
    assert any("names are more than" in one for one in found.faults)
    assert any("contexts are more than" in one for one in found.faults)
