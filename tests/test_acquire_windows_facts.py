"""What the Windows backend knows besides memory, on a fake of Windows' libraries."""

from __future__ import annotations

import io
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.windows import (
    IMAGE,
    PAGE,
    PEB,
    TEBS,
    FakeThread,
    FakeWindows,
    Region,
    context_bytes,
    filetime,
)
from fakes.windows_backend import checked, system, target  # noqa: F401 - fixtures
from fakes.windows_tables import sid

import msl_construct
from msl_acquire.model import Thread
from msl_acquire.options import Options
from msl_acquire.session import Session
from msl_acquire.windows import Windows, structures
from msl_acquire.windows.calls import WindowsSystem
from msl_acquire.windows.credentials import AccountNames
from msl_acquire.windows.target import WindowsTarget
from msl_acquire.windows.version_resource import file_version, version_of

BASE = 0x1_4000_0000
YMM, MASKS, UPPER, HIGH, KEYS = 2, 5, 6, 7, 9


@pytest.fixture
def fake() -> Iterator[FakeWindows]:
    fake = FakeWindows()
    fake.regions = [Region(0x10000, 4), Region(BASE, 2, protect=0x02, kind=IMAGE, name="t.exe")]
    fake.threads = {
        12: FakeThread(context=context_bytes(0x2222, 0x10900), created=filetime(1_700_000_002)),
        11: FakeThread(context=context_bytes(0x1234, 0x10800), created=filetime(1_700_000_001)),
    }
    fake.modules = [(BASE, 2 * PAGE, "C:\\target.exe")]
    fake.processes = [(0, 0, "[System Process]"), (fake.pid, 4, "Target.exe"), (99, 4, "o.exe")]
    fake.started = {fake.pid: filetime(1_700_000_000)}
    with checked(fake):
        yield fake


def frozen_threads(target: WindowsTarget, method: str = "suspend") -> list[Thread]:
    frozen = target.freeze(method, None)
    try:
        return target.threads(frozen)
    finally:
        frozen.thaw()


@pytest.mark.parametrize(
    ("kind", "size", "offsets"),
    [
        ("SystemProcess", 0x100, {"number_of_threads": 4, "process_id": 0x50}),
        ("SystemThread", 0x50, {"thread_id": 0x30, "thread_state": 0x44, "wait_reason": 0x48}),
        ("SystemHandle", 40, {"value": 16, "access": 24, "type_index": 30, "attributes": 32}),
        ("ProcessHandleEntry", 40, {"value": 0, "access": 24, "type_index": 28, "attributes": 32}),
        ("ObjectType", 0x68, {"name": 0, "type_index": 0x5A}),
    ],
)
def test_structure_layout(kind: str, size: int, offsets: dict[str, int]) -> None:
    structure = getattr(structures, kind)
    assert structures.ctypes.sizeof(structure) == size
    assert {name: getattr(structure, name).offset for name in offsets} == offsets


# Stopped thread by thread ------------------------------------------------------------------


def test_stopped_by_threads(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.threads[12].count = 1
    frozen = target.freeze("threads", None)
    assert fake.suspended() == {11: 1, 12: 2}
    assert frozen.facts["held_by"] == "suspend_thread"
    first, second = sorted(target.threads(frozen), key=lambda thread: thread.thread_id)
    assert first.registers
    assert second.flags == ("suspended",)
    frozen.thaw()
    assert fake.suspended() == {11: 0, 12: 1}
    assert fake.calls.count("suspend thread") == 2
    assert "suspend" not in fake.calls


def anew(fake: FakeWindows) -> WindowsTarget:
    """A target whose calls are those that the system has now."""
    return Windows(WindowsSystem(lambda _: fake, fake.last_error)).target(fake.pid)


def test_threads_that_come_meanwhile_are_stopped(fake: FakeWindows) -> None:
    real, left = fake._SuspendThread, [21, 22]

    def suspend(handle: int) -> int:
        if left:  # the others go on, and make more
            fake.threads[left.pop()] = FakeThread()
        return real(handle)

    fake.replace("SuspendThread", suspend)
    target = anew(fake)
    target.freeze("threads", None)
    assert fake.suspended() == {11: 1, 12: 1, 21: 1, 22: 1}
    target.close()
    assert set(fake.suspended().values()) == {0}


def test_a_thread_that_is_not_ours_to_stop_is_told(
    target: WindowsTarget, fake: FakeWindows
) -> None:
    fake.threads[13] = FakeThread(refused=True)
    frozen = target.freeze("threads", None)
    target.threads(frozen)
    assert fake.suspended() == {11: 1, 12: 1, 13: 0}
    assert list(frozen.facts["thread_errors"]) == [13]
    frozen.thaw()
    assert set(fake.suspended().values()) == {0}


def test_none_that_could_be_stopped(target: WindowsTarget, fake: FakeWindows) -> None:
    for thread in fake.threads.values():
        thread.refused = True
    with pytest.raises(Exception, match=r"can't be suspended: SuspendThread .* 0xc0000001"):
        target.freeze("threads", None)
    assert set(fake.suspended().values()) == {0}


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("method", ["threads", "suspend", "none"])
def test_a_number_that_was_given_to_a_thread_of_another_process(
    target: WindowsTarget, system: WindowsSystem, fake: FakeWindows, method: str, told: bool
) -> None:
    """It was ours when threads were listed; what has the number now is neither stopped nor told."""
    fake.threads[13] = FakeThread(
        name="foreign",
        stack=(0x11000, 0x10000),
        context=context_bytes(1, 2),
        created=filetime(5),
        owner=4242,
    )
    fake.tells_counts = told
    frozen = target.freeze(method, None)
    told_of = {thread.thread_id: thread for thread in target.threads(frozen)}
    assert told_of[13] == Thread(13, flags=("partial",))
    assert frozen.facts["thread_errors"] == {13: "OpenThread failed with error 0x57"}
    assert 13 not in target.facts()["thread_facts"]
    assert "stack" not in {mapping.region_type for mapping in target.mappings()}
    frozen.thaw()
    assert 13 not in system.suspend_counts(fake.pid)
    assert set(fake.suspended().values()) == {0}


# Threads -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "current", "because"),
    [
        ({}, 11, "it is the oldest"),
        ({11: (5, 6), 12: (5, 6)}, 11, "it is the oldest"),
        ({11: (5, 6), 12: (2, 0)}, 12, "it ran when it was stopped"),
        ({11: (2, 0), 12: (2, 0)}, 11, "it ran when it was stopped"),
        ({11: (1, 0), 12: (3, 0)}, 11, "it is the oldest"),
    ],
)
def test_which_is_current(
    target: WindowsTarget,
    fake: FakeWindows,
    states: dict[int, tuple[int, int]],
    current: int,
    because: str,
) -> None:
    fake.states = states
    assert frozen_threads(target)[0].thread_id == current
    assert target.facts()["current_thread"] == {"thread_id": current, "because": because}


def test_states(target: WindowsTarget, fake: FakeWindows) -> None:
    told = {
        (0, 0): "unknown",
        (1, 0): "running",
        (2, 0): "running",
        (4, 0): "zombie",
        (5, 4): "sleeping",
        (5, 5): "stopped",
        (5, 6): "waiting",
        (6, 5): "waiting",
        (99, 0): "unknown",
    }
    numbers = dict(enumerate(told, 100))
    fake.threads = {n: FakeThread(context=context_bytes(1, 2)) for n in numbers}
    fake.states = numbers
    found = {thread.thread_id: thread.thread_state for thread in frozen_threads(target)}
    assert found == {n: told[state] for n, state in numbers.items()}
    assert target.facts()["thread_facts"][106]["wait_reason"] == 6
    assert "wait_reason" not in target.facts()["thread_facts"][102]


def registers(target: WindowsTarget, number: int = 11) -> dict[str, bytes]:
    (thread,) = (one for one in frozen_threads(target) if one.thread_id == number)
    return {register.name: register.value for register in thread.registers}


def test_debug_registers(target: WindowsTarget, fake: FakeWindows) -> None:
    context = bytearray(fake.threads[11].context)
    struct.pack_into("<6Q", context, 0x48, 0xD0, 0xD1, 0xD2, 0xD3, 0xD6, 0xD7)
    fake.threads[11].context = bytes(context)
    found = registers(target)
    assert [found[f"dr{n}"][0] for n in (0, 1, 2, 3, 6, 7)] == [0xD0, 0xD1, 0xD2, 0xD3, 0xD6, 0xD7]


def test_avx(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.features = 1 << YMM
    fake.in_use[11] = {YMM: b"".join(bytes([0x40 + n]) * 16 for n in range(16))}
    found = registers(target)
    assert found["ymm3"] == bytes([3]) * 16 + bytes([0x43]) * 16
    assert not any(name.startswith(("xmm", "zmm")) for name in found)
    # Of the other thread nothing of it is in use: that is zero.
    assert registers(target, 12)["ymm3"] == bytes([3]) * 16 + bytes(16)


def test_avx_512(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.features = sum(1 << bit for bit in (YMM, MASKS, UPPER, HIGH, KEYS)) | 1 << 17
    fake.in_use[11] = {
        YMM: b"".join(bytes([0x40 + n]) * 16 for n in range(16)),
        MASKS: b"".join(bytes([0x60 + n]) * 8 for n in range(8)),
        UPPER: b"".join(bytes([0x80 + n]) * 32 for n in range(16)),
        HIGH: b"".join(bytes([0xA0 + n]) * 64 for n in range(16)),
        KEYS: b"\x55\x44\x33\x22\0\0\0\0",
    }
    found = registers(target)
    assert found["zmm2"] == bytes([2]) * 16 + bytes([0x42]) * 16 + bytes([0x82]) * 32
    assert found["zmm31"] == bytes([0xAF]) * 64
    assert found["k7"] == bytes([0x67]) * 8
    assert found["pkru"] == b"\x55\x44\x33\x22"


def test_features_that_are_refused_are_told(fake: FakeWindows) -> None:
    fake.features = 1 << YMM

    def refuse(context: int, mask: int) -> int:
        fake.error = 50
        return 0

    fake.replace("SetXStateFeaturesMask", refuse)
    target = anew(fake)
    assert registers(target)["xmm3"] == bytes([3]) * 16
    lacking = target.facts()["thread_facts"][11]["registers_lacking"]
    assert (
        lacking == "whatever is wider than 16 bytes: SetXStateFeaturesMask failed with error 0x32"
    )
    target.close()


def narrow_context() -> bytes:
    """A WOW64_CONTEXT: FXSAVE's image in its ExtendedRegisters."""
    context = bytearray(716)
    struct.pack_into("<I", context, 0, 0x1003F)
    struct.pack_into("<6I", context, 4, 0xD0, 0xD1, 0xD2, 0xD3, 0xD6, 0xD7)
    general = (0x2B, 0x53, 0x2C, 0x2D, 0xED1, 0xE51, 0xEB, 0xED, 0xEC, 0xEA)
    struct.pack_into("<10I", context, 0x8C, *general)
    struct.pack_into("<6I", context, 0xB4, 0xEB9, 0x401000, 0x23, 0x246, 0x19F00, 0x2E)
    struct.pack_into("<HHBxHIIIII", context, 0xCC, 0x27F, 1, 2, 3, 4, 5, 6, 7, 0x1FA0)
    for n in range(8):
        context[0xCC + 32 + 16 * n : 0xCC + 42 + 16 * n] = bytes([0xF0 + n]) * 10
        context[0xCC + 160 + 16 * n : 0xCC + 176 + 16 * n] = bytes([n]) * 16
    return bytes(context)


def test_a_32_bit_program(target: WindowsTarget, fake: FakeWindows) -> None:
    """Its registers, both stacks of a thread, its heaps, and its loader's entries."""
    fake.machine, narrow_teb, narrow_peb = (0x14C, 0x8664), 0x7E00_0000, 0x7F00_0000
    fake.narrow_peb = narrow_peb
    fake.regions.insert(1, Region(0x18000, 8))
    fake.regions.insert(2, Region(0x30000, 4))
    fake.narrow_contexts = {11: narrow_context(), 12: narrow_context()}
    entry = struct.pack("<II16xIII", narrow_peb + 0x200C, narrow_peb + 0x200C, 0x40_0000, 1, 0x6000)
    fake.words = {
        TEBS + 11 * PAGE: struct.pack("<QQQ", narrow_teb, 0x14000, 0x10000),
        narrow_teb: struct.pack("<6II", 0, 0x20000, 0x18000, 0, 0, 0, narrow_teb),
        narrow_peb + 0x0C: struct.pack("<I", narrow_peb + 0x2000),
        narrow_peb + 0x18: struct.pack("<I", 0x30000),
        narrow_peb + 0x88: struct.pack("<III", 0, 0, 0),
        narrow_peb + 0x200C: struct.pack("<I", narrow_peb + 0x3000),
        narrow_peb + 0x3000: entry.ljust(0x48, b"\x77"),
    }
    fake.modules.append((0x40_0000, 0x6000, "C:\\narrow.exe"))
    kinds = {mapping.start: mapping.region_type for mapping in target.mappings()}
    assert kinds[0x10000] == kinds[0x18000] == "stack"
    assert kinds[0x30000] == "heap"
    (thread,) = (one for one in frozen_threads(target) if one.thread_id == 11)
    found = {register.name: register.value for register in thread.registers}
    numbers = {name: int.from_bytes(value, "little") for name, value in found.items()}
    expected = {"eax": 0xEA, "ebx": 0xEB, "ecx": 0xEC, "edx": 0xED, "esi": 0xE51, "edi": 0xED1}
    expected |= {"ebp": 0xEB9, "eip": 0x401000, "esp": 0x19F00, "eflags": 0x246, "mxcsr": 0x1FA0}
    expected |= {"cs": 0x23, "ss": 0x2E, "gs": 0x2B, "fs": 0x53, "es": 0x2C, "ds": 0x2D}
    expected |= {"fs_base": narrow_teb, "dr7": 0xD7, "fctrl": 0x27F}
    assert {name: numbers[name] for name in expected} == expected
    assert found["xmm7"] == bytes([7]) * 16
    assert found["st7"] == bytes([0xF7]) * 10
    assert "xmm8" not in found
    assert {r.name: r.flags for r in thread.registers if r.flags} == {
        "eip": ("pc",),
        "esp": ("sp",),
        "ebp": ("fp",),
        "eflags": ("flags",),
    }
    modules = {module.base_addr: module for module in target.modules(target.mappings())}
    assert modules[0x40_0000].native_blob == entry.ljust(0x48, b"\x77")
    told = target.facts()["thread_facts"][11]
    assert told["teb_of_32_bits"] == hex(narrow_teb)
    assert told["stack_base_of_32_bits"] == "0x20000"


# Heaps -------------------------------------------------------------------------------------


def segment(at: int, behind: int, front: int, heap: int) -> bytes:
    return struct.pack("<16xII QQ Q", 0xFFEEFFEE, 0, behind, front, heap)


def test_segments_and_large_blocks_of_heaps(target: WindowsTarget, fake: FakeWindows) -> None:
    heap, second, third, large = 0x100000, 0x200000, 0x300000, 0x400000
    fake.heaps = [heap]
    fake.regions[1:1] = [Region(at, 2) for at in (heap, second, third, large, 0x500000)]
    head, blocks = heap + 0x120, heap + 0x110
    fake.words = {
        heap: segment(heap, second + 0x18, head, heap),
        second: segment(second, third + 0x18, heap + 0x18, heap),
        third: segment(third, head, second + 0x18, heap),
        blocks: struct.pack("<QQ", large, large),
        head: struct.pack("<QQ", heap + 0x18, third + 0x18),
        large: struct.pack("<QQ", blocks, blocks),
    }
    kinds = {mapping.start: mapping.region_type for mapping in target.mappings()}
    assert {at for at, kind in kinds.items() if kind == "heap"} == {heap, second, third, large}


def test_heaps_without_end(
    target: WindowsTarget, fake: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many heaps may share one ring of blocks, which is followed anew for each."""
    fake.heaps = [0x100000 + 0x100 * number for number in range(40)]
    fake.regions[1:1] = [Region(0x100000, 16)]
    fake.words = {heap: segment(heap, heap + 0x98, heap + 0x98, heap) for heap in fake.heaps}
    for heap in fake.heaps:
        after = heap + 0x88 if heap == fake.heaps[-1] else heap + 0x188
        before = heap - 0x78 if heap > fake.heaps[0] else 0
        fake.words[heap + 0x88] = struct.pack("<QQ", after, before)
        fake.words[heap + 0x98] = struct.pack("<QQ", heap + 0x18, heap + 0x18)
    reads: list[int] = []
    real = WindowsSystem.read

    def read(self: WindowsSystem, process: int, at: int, into: memoryview) -> tuple[int, int]:
        reads.append(at)
        return real(self, process, at, into)

    monkeypatch.setattr(WindowsSystem, "read", read)
    target.mappings()
    assert "unknown" not in target.facts()
    reads.clear()
    target.mappings()
    whole = len(reads)
    reads.clear()
    monkeypatch.setattr("msl_acquire.windows.target.MOST_PARTS", 50)
    kinds = {mapping.start: mapping.region_type for mapping in target.mappings()}
    assert kinds[0x100000] == "heap"
    assert len(reads) < whole / 3
    assert target.facts()["unknown"]["heaps"] == "more than the 50 parts that were followed"


@pytest.mark.parametrize("what", ["loop", "not its heap's", "not linked back", "another kind"])
def test_heaps_that_are_no_good(target: WindowsTarget, fake: FakeWindows, what: str) -> None:
    """What a program has written over is not followed."""
    heap, second = 0x100000, 0x200000
    fake.heaps = [heap]
    fake.regions[1:1] = [Region(heap, 2), Region(second, 2), Region(0x300000, 2)]
    fake.words = {
        heap: segment(heap, second + 0x18, 0, heap),
        second: segment(second, 0x300018, heap + 0x18, heap),
        0x300000: segment(0x300000, heap + 0x120, second + 0x18, 0x777),
    }
    expected = {heap, second}
    if what == "loop":
        fake.words[second] = segment(second, second + 0x18, heap + 0x18, heap)
    elif what == "not linked back":
        fake.words[second] = segment(second, 0x300018, 0x999, heap)
        expected = {heap}
    elif what == "another kind":
        fake.words[heap] = segment(heap, second + 0x18, 0, heap).replace(b"\xee\xff", b"\xee\xdd")
        expected = {heap}
    kinds = {mapping.start: mapping.region_type for mapping in target.mappings()}
    assert {at for at, kind in kinds.items() if kind == "heap"} == expected


# Modules -----------------------------------------------------------------------------------


def image_with_version(numbers: tuple[int, int, int, int], *, wide: bool = True) -> bytes:
    """A file with one section, .rsrc, at another place than in memory."""
    rva, stored = 0x3000, 0x400
    fixed = struct.pack(
        "<II4H", 0xFEEF04BD, 0x10000, numbers[1], numbers[0], numbers[3], numbers[2]
    )
    value = "VS_VERSION_INFO\0".encode("utf-16-le")
    info = struct.pack("<HHH", 0, 52, 0) + value + b"\0\0" + fixed + bytes(36)

    def folder(entries: list[tuple[int, int]]) -> bytes:
        rows = b"".join(struct.pack("<II", *entry) for entry in entries)
        return struct.pack("<IIHHHH", 0, 0, 4, 0, 0, len(entries)) + rows

    deep = 1 << 31
    tree = folder([(3, deep | 0x300), (16, deep | 0x40)]).ljust(0x40, b"\0")
    tree += folder([(1, deep | 0x80)]).ljust(0x40, b"\0")
    tree += folder([(1033, 0xC0)]).ljust(0x40, b"\0")
    tree += struct.pack("<IIII", rva + 0x100, len(info), 0, 0).ljust(0x40, b"\0")
    resources = (tree + info).ljust(0x400, b"\0")
    magic, place = (0x20B, 112) if wide else (0x10B, 96)
    optional = struct.pack("<H", magic).ljust(place, b"\0")
    optional += struct.pack("<IIIIII", 0, 0, 0, 0, rva, len(resources)).ljust(128, b"\0")
    head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80)
    head = head.ljust(0x80, b"\0") + b"PE\0\0"
    head += struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0x22) + optional
    head += struct.pack("<8sIIII16x", b".rsrc", 0x400, rva, len(resources), stored)
    return head.ljust(stored, b"\0") + resources


@pytest.mark.parametrize("wide", [True, False])
def test_version_of_a_file(tmp_path: Path, wide: bool) -> None:
    file = tmp_path / "a.dll"
    file.write_bytes(whole := image_with_version((10, 0, 19041, 65535), wide=wide))
    assert file_version(str(file)) == "10.0.19041.65535"
    for length in range(0, len(whole), 61):  # cut anywhere, it is none, and no error
        file.write_bytes(whole[:length])
        assert file_version(str(file)) in ("", "10.0.19041.65535")
    section = whole.index(b".rsrc")
    for length in range(0x400):  # nor where its section says that it ends anywhere
        claims = struct.pack("<I", length)
        file.write_bytes(whole[: section + 16] + claims + whole[section + 20 :])
        assert file_version(str(file)) in ("", "10.0.19041.65535")
    for start in range(0x200):  # or lies over the headers
        claims = struct.pack("<4I", 0x400, 0, start, 0)
        file.write_bytes(whole[: section + 8] + claims + whole[section + 24 :])
        assert file_version(str(file)) == ""
    file.write_bytes(whole.replace(struct.pack("<I", 0xFEEF04BD), b"none"))
    assert file_version(str(file)) == ""
    assert file_version(str(tmp_path)) == file_version(str(tmp_path / "none")) == ""


def test_a_tree_that_leads_back_to_itself_ends() -> None:
    image = bytearray(image_with_version((1, 2, 3, 4)))
    tree = image.index(struct.pack("<II", 16, 1 << 31 | 0x40))
    for number in range(2):
        image[tree + 8 * number : tree + 8 * number + 8] = struct.pack("<II", 16, 1 << 31)

    def read(at: int, size: int) -> bytes:
        if at >= 0x3000:
            at -= 0x3000 - 0x400
        return bytes(image[at : at + size]).ljust(size, b"\0")

    assert version_of(read) == ""


def test_modules_with_versions_and_entries(
    target: WindowsTarget, fake: FakeWindows, tmp_path: Path
) -> None:
    file = tmp_path / "a.dll"
    file.write_bytes(image_with_version((1, 2, 3, 4)))
    fake.modules.append((0x5000_0000, 0x3000, str(file)))
    fake.regions.append(Region(0x6000_0000, 1, kind=IMAGE, name="\\Device\\V1\\hidden.dll"))
    loader, first, second = PEB + 0x9000, PEB + 0xA000, PEB + 0xB000
    entry = struct.pack("<QQ32xQ", second, loader + 0x10, BASE).ljust(0x88, b"\x55")
    last = struct.pack("<QQ32xQ", loader + 0x10, first, 0x5000_0000).ljust(0x88, b"\x66")
    fake.words = {
        PEB + 0x18: struct.pack("<Q", loader),
        loader + 0x10: struct.pack("<Q", first),
        first: entry,
        second: last,
    }
    target.prepare()
    modules = {module.base_addr: module for module in target.modules(target.mappings())}
    assert modules[0x5000_0000].version == "1.2.3.4"
    assert modules[BASE].version == ""
    assert [modules[base].native_blob for base in (BASE, 0x5000_0000)] == [entry, last]
    assert target.facts()["images_without_entry"] == [
        {"base_addr": "0x60000000", "module_size": PAGE, "path": "C:\\hidden.dll"}
    ]
    # A list that leads in circles, or nowhere, ends.
    fake.words[second] = struct.pack("<QQ32xQ", first, first, 0x5000_0000).ljust(0x88, b"\x66")
    assert target.modules(target.mappings())[0].native_blob
    fake.words[second] = struct.pack("<QQ32xQ", 0x123, first, 0x5000_0000).ljust(0x88, b"\x66")
    assert target.modules(target.mappings())[0].native_blob


# Tokens, handles, connections --------------------------------------------------------------


def test_credentials(target: WindowsTarget, fake: FakeWindows) -> None:
    everybody = sid(1, 0)
    fake.groups = [(everybody, 0x7), (sid(5, 32, 544), 0x10)]
    fake.privileges = [(20, 2), (23, 3), (77, 0)]
    fake.accounts = {fake.user: ("PC", "name ä"), everybody: ("", "Everyone")}
    assert target.facts()["credentials"] == {
        "user": {"sid": "S-1-5-21-1-2-3-1001", "name": "PC\\name ä"},
        "groups": [
            {"sid": "S-1-1-0", "name": "Everyone", "attributes": ["enabled"]},
            {"sid": "S-1-5-32-544", "name": "", "attributes": ["deny_only"]},
        ],
        "integrity": {"level": "high", "rid": "0x3000"},
        "elevated": True,
        "app_container": False,
        "privileges": [
            {"name": "SeDebugPrivilege", "enabled": True, "by_default": False, "removed": False},
            {
                "name": "SeChangeNotifyPrivilege",
                "enabled": True,
                "by_default": True,
                "removed": False,
            },
            {"name": "luid 0x4d", "enabled": False, "by_default": False, "removed": False},
        ],
    }


@pytest.mark.parametrize(("rid", "level"), [(0x4000, "system"), (0x1500, "low"), (0, "untrusted")])
def test_integrity(target: WindowsTarget, fake: FakeWindows, rid: int, level: str) -> None:
    fake.integrity = rid
    assert target.facts()["credentials"]["integrity"]["level"] == level


def test_a_token_that_is_not_told(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.token_errors = {1: 5}
    facts = target.facts()
    assert "credentials" not in facts
    assert facts["unknown"]["credentials"] == "GetTokenInformation failed with error 0x5"
    fake.token_errors = {2: 5, 3: 5, 25: 5}
    assert set(target.facts()["credentials"]) == {"user", "elevated", "app_container"}


def test_nobody_waits_for_the_name_of_an_account(
    system: WindowsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("msl_acquire.windows.credentials._PATIENCE", 0.05)
    asked: list[bytes] = []
    began, answer, over = threading.Event(), threading.Event(), threading.Event()

    def silent(_: WindowsSystem, who: bytes) -> str:
        asked.append(who)
        began.set()
        answer.wait(60)
        over.set()
        return "late"

    monkeypatch.setattr(WindowsSystem, "account", silent)
    names = AccountNames(system)
    assert [names.of(who) for who in (b"a", b"b", b"a")] == ["", "", ""]
    assert began.wait(60)
    answer.set()
    assert over.wait(60)
    assert asked == [b"a"]


@pytest.mark.parametrize("new", [True, False], ids=["of the process", "of all"])
def test_handles(target: WindowsTarget, fake: FakeWindows, new: bool) -> None:
    fake.handles_of_processes = new
    fake.open_handles = [(0x14, 8, 0x12019F, 2), (0x8, 7, 0x1F0003, 1), (0x18, 40, 1, 0)]
    rows = target.facts()["descriptors"]
    objects = [row.pop("object", "") for row in rows]
    assert rows == [
        {
            "fd": 8,
            "type": "Event",
            "access": "0x1f0003",
            "flags": "0x1",
            "flag_names": ["protected_from_close"],
            "kind": "Event",
        },
        {
            "fd": 0x14,
            "type": "File",
            "access": "0x12019f",
            "flags": "0x2",
            "flag_names": ["inherited"],
        },
        {"fd": 0x18, "type": "type 40", "access": "0x1", "flags": "0x0", "flag_names": []},
    ]
    assert all(bool(place) != new for place in objects)


def test_thousands_of_handles(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.open_handles = [(4 * n, 7, 1, 0) for n in range(1, 30_000)]
    fake.type_numbers, fake.types = False, ("A", "B", "C", "D", "E", "F", "Process")
    rows = target.facts()["descriptors"]
    assert len(rows) == 29_999
    assert rows[0]["type"] == "F"  # before 8.1 they stand in the order of their numbers, from 2 on


@pytest.mark.parametrize("new", [True, False])
def test_handles_that_are_too_many_are_counted(
    target: WindowsTarget, fake: FakeWindows, new: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("msl_acquire.windows.handles._MOST", 20)
    fake.handles_of_processes = new
    fake.open_handles = [(4 * n, 7, 1, 0) for n in range(1, 31)]
    found = target.facts()
    assert len(found["descriptors"]) == 20
    assert found["unknown"]["descriptors"] == "10 more than the 20 that are listed"


@pytest.mark.parametrize("lacks", ["", "Process", "own"])
def test_numbers_of_types_that_do_not_agree(
    target: WindowsTarget, fake: FakeWindows, lacks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wine's list counts otherwise than its handles; where nothing says how, there are no names."""
    fake.type_shift, fake.open_handles = 2, [(8, 5, 1, 0), (12, 6, 1, 0)]
    if lacks == "Process":
        fake.types = ("Event", "File", "Key", "Token")
    elif lacks == "own":
        monkeypatch.setattr(FakeWindows, "_our_own", lambda _: [])
    types = [row["type"] for row in target.facts()["descriptors"]]
    assert types == (["type 5", "type 6"] if lacks else ["Event", "File"])


def port(number: int) -> int:
    return socket.htons(number)


def sockets_of(pid: int) -> dict[tuple[str, int], list[bytes]]:
    here, there = socket.inet_aton("127.0.0.1"), socket.inet_aton("10.1.2.3")
    wide = socket.inet_pton(socket.AF_INET6, "fe80::1")
    return {
        ("tcp", 2): [
            struct.pack("<I4sI4sII", 5, here, port(1234), there, port(443), pid),
            struct.pack("<I4sI4sII", 2, here, port(80), bytes(4), 99, pid),
            struct.pack("<I4sI4sII", 11, here, port(81), there, port(1), 99),
        ],
        ("tcp", 23): [
            struct.pack("<16sII16sIIII", wide, 7, port(99), wide, 7, port(98), 8, pid),
        ],
        ("udp", 2): [struct.pack("<4sII", here, port(53), pid)],
        ("udp", 23): [struct.pack("<16sIII", bytes(16), 0, port(5353), pid)],
    }


def test_connections(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.tables = sockets_of(fake.pid)
    shown = [tuple(row.values()) for row in target.facts()["connections"]]
    assert shown == [
        ("tcp", "127.0.0.1:1234", "10.1.2.3:443", "established"),
        ("tcp", "127.0.0.1:80", "0.0.0.0:0", "listen"),
        ("tcp6", "[fe80::1]:99", "[fe80::1]:98", "close_wait"),
        ("udp", "127.0.0.1:53", "0.0.0.0:0", "unknown"),
        ("udp6", "[::]:5353", "[::]:0", "unknown"),
    ]
    fake.tables_error = 50
    assert target.facts()["unknown"]["connections"] == "GetExtendedTcpTable failed with error 0x32"


def test_an_older_system_says_what_it_lacks(fake: FakeWindows) -> None:
    for name in ("NtQuerySystemInformation", "GetExtendedTcpTable", "GetTokenInformation"):
        delattr(fake, name)
    fake.handles_of_processes = False
    target = anew(fake)
    frozen_threads(target)
    unknown = target.facts()["unknown"]
    assert {"thread_states", "descriptors", "connections", "credentials"} <= set(unknown)
    assert unknown["descriptors"] == "NtQuerySystemInformation failed with error 0xc0000002"
    target.close()


def test_investigation(system: WindowsSystem, fake: FakeWindows) -> None:
    """The tables of the machine, in the dump."""
    fake.tables = sockets_of(fake.pid)
    fake.open_handles = [(8, 7, 1, 0), (0x14, 8, 1, 0)]
    fake.accounts = {fake.user: ("PC", "somebody")}
    file = io.BytesIO()
    report = Session(Windows(system), fake.pid, file, Options(investigation=True)).run()
    assert report.complete
    with msl_construct.open(io.BytesIO(file.getvalue())) as dump:
        assert dump.verify().intact
        blocks = {str(block.header.block_type): block for block in dump.blocks}
        rows = blocks["process_table"].payload.entries
        (ours,) = (row for row in rows if row.pid == fake.pid)
        assert (str(ours.user), str(ours.exe), ours.is_target) == (
            "PC\\somebody",
            "C:\\target.exe",
            1,
        )
        connections = blocks["connection_table"].payload.entries
        assert len(connections) == 6
        assert {(row.pid, row.local_port, row.state) for row in connections} >= {
            (fake.pid, 1234, 1),
            (99, 81, 6),
            (fake.pid, 5353, 0),
        }
        handles = [(row.fd, row.handle_type) for row in blocks["handle_table"].payload.entries]
        assert handles == [(8, 0xFF), (0x14, 0)]
    lacking: Any = report["investigation"]["lacking"]
    assert lacking == ["what 1 processes are is hidden from this user, but for their names"]
