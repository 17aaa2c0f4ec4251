"""The macOS backend on a fake of its system library."""

from __future__ import annotations

import ctypes
import io
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes.dump_pages import pages_of
from fakes.macos import (
    COW,
    EMPTY,
    PAGE,
    SHARED,
    FakeMacOS,
    FakeThread,
    Region,
    image,
    image_list,
)

from msl_acquire.macos import MacOS, structures
from msl_acquire.macos.api import MacosRegion as ApiRegion
from msl_acquire.macos.api import MacosSystem, load_system
from msl_acquire.macos.registers import STATES
from msl_acquire.macos.target import MacOSTarget
from msl_acquire.model import Action
from msl_construct.drafts import DRAFTS, PUBLIC
from msl_construct.errors import TargetError

EXE, LIST, HEAP, LAZY = 0x1_0000_0000, 0x1_2000_0000, 0x1_4000_0000, 0x1_5000_0000
STACK, CACHE = 0x1_6F00_0000, 0x1_8000_0000
UUID = bytes(range(16))
ARM, INTEL = 0x0100_000C, 0x0100_0007

READ = (Action.READ, "", 0)
UNTOUCHED = (Action.UNTOUCHED, "untouched", 0)


def arm_state() -> bytes:
    numbers = [0x1000 + i for i in range(29)]
    return struct.pack("<33QII", *numbers, 0xF9, 0x10, STACK, EXE + 0x100, 0x6000_0000, 0)


@pytest.fixture
def fake() -> Iterator[FakeMacOS]:
    """A macOS with one target; whatever was taken must have been given back in the end."""
    fake = FakeMacOS()
    names = [(EXE, b"/bin/target"), (CACHE, b"/usr/lib/libSystem.B.dylib")]
    fake.images = LIST
    fake.regions = [
        Region(EXE, 2, 5, mode=COW, pager=1, path="/bin/target", content=image(ARM, 0x8000, UUID)),
        Region(EXE + 2 * PAGE, 1, 3, mode=COW, shadow=1),
        Region(LIST, 1, tag=60, content=image_list(LIST, names)),
        Region(HEAP, 8, tag=2, absent={1, 2, 5}),
        Region(LAZY, 64, mode=EMPTY),
        Region(LAZY + 0x1000_0000, 1, 1, pager=1, path="/tmp/data"),
        Region(STACK - PAGE, 1, 0, tag=31),
        Region(STACK, 2, tag=30),
        Region(STACK + 0x10_0000, 1, 0),
        Region(STACK + 0x20_0000, 1, tag=21),
        Region(STACK + 0x30_0000, 1, mode=SHARED),
        Region(CACHE, 2, 5, tag=32, mode=COW, pager=1, depth=1, content=image(ARM, 0x4000, UUID)),
    ]
    fake.threads = [
        FakeThread(901, b"main", 3, state=arm_state()),
        FakeThread(902, b"worker", 1, state=arm_state()),
    ]
    fake.processes = {1: (0, b"launchd", b""), fake.pid: (1, b"target", b"a target's long name")}
    fake.arguments = struct.pack("<i", 3) + b"/bin/target\0\0\0\0target\0-x\0a b\0HOME=/\0"
    yield fake
    assert fake.leaks() == ([], 0)
    assert fake.bad_arguments == []


@pytest.fixture
def system(fake: FakeMacOS) -> MacosSystem:
    return MacosSystem(fake, fake.last_errno)


@pytest.fixture
def target(system: MacosSystem, fake: FakeMacOS) -> Iterator[MacOSTarget]:
    target = MacOS(system).target(fake.pid)
    yield target
    target.close()


def buffer(pages: int) -> memoryview:
    return memoryview(bytearray(b"\xaa" * pages * PAGE))


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


# The structures, against the sizes and offsets that Apple's headers come to ----------------


@pytest.mark.parametrize(
    ("kind", "size", "offsets"),
    [
        (
            "SubmapInfo",
            76,
            {"offset": 12, "user_tag": 20, "ref_count": 40, "shadow_depth": 44}
            | {"external_pager": 46, "share_mode": 47, "is_submap": 48, "object_id": 56}
            | {"user_wired_count": 60, "pages_reusable": 64, "object_id_full": 68},
        ),
        ("TaskBasicInfo", 48, {"resident_size": 8, "policy": 40, "suspend_count": 44}),
        ("TaskVmInfo", 144, {"region_count": 8, "page_size": 12}),
        ("DyldInfo", 20, {"size": 8, "format": 16}),
        ("ThreadIdentifierInfo", 24, {"thread_id": 0}),
        ("ThreadExtendedInfo", 112, {"run_state": 24, "name": 48}),
        ("BsdInfo", 136, {"pid": 12, "ppid": 16, "comm": 48, "name": 64, "start_seconds": 120}),
        ("RegionPath", 1272, {"address": 80, "size": 88, "path": 248}),
    ],
)
def test_structure_layout(kind: str, size: int, offsets: dict[str, int]) -> None:
    structure = getattr(structures, kind)
    assert ctypes.sizeof(structure) == size
    assert {name: getattr(structure, name).offset for name in offsets} == offsets


def test_thread_states_have_their_documented_sizes() -> None:
    # x86_THREAD_STATE64_COUNT is 42, ARM_THREAD_STATE64_COUNT 68, in units of four bytes.
    assert [(s.flavor, s.size) for s in (STATES["x86_64"], STATES["arm64"])] == [
        (4, 42 * 4),
        (6, 68 * 4),
    ]


# Where it works ----------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "darwin", reason="this is macOS")
def test_elsewhere_it_says_so() -> None:
    with pytest.raises(TargetError, match=f"needs macOS; this is {sys.platform}"):
        load_system()
    with pytest.raises(TargetError, match="needs macOS"):
        MacOS()


def test_old_macos_is_refused(fake: FakeMacOS) -> None:
    del fake.mach_vm_page_range_query
    with pytest.raises(TargetError, match="no mach_vm_page_range_query; macOS"):
        MacosSystem(fake, fake.last_errno)


# Opening -----------------------------------------------------------------------------------


def test_preflight_touches_nothing(system: MacosSystem, fake: FakeMacOS) -> None:
    facts = MacOS(system).preflight(fake.pid, "suspend")
    assert facts == {"page_size": PAGE, "resident": 654321, "suspend_count": 0}
    assert fake.calls == []


def test_unknown_process(system: MacosSystem) -> None:
    with pytest.raises(TargetError, match=r"^there is no process 4711$"):
        MacOS(system).preflight(4711, "suspend")


def test_unknown_method(system: MacosSystem, fake: FakeMacOS, target: MacOSTarget) -> None:
    with pytest.raises(TargetError, match="no freeze method ptrace; use suspend or none"):
        MacOS(system).preflight(fake.pid, "ptrace")
    with pytest.raises(TargetError, match="no freeze method ptrace"):
        target.freeze("ptrace", None)
    assert fake.calls == []


def test_denied(system: MacosSystem, fake: FakeMacOS) -> None:
    fake.open_error = 5
    with pytest.raises(TargetError, match="is denied") as caught:
        MacOS(system).target(fake.pid)
    for word in ("root", "debugger entitlement", "System Integrity Protection"):
        assert word in caught.value.remedy


def test_own_process_is_refused(system: MacosSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getpid", lambda: 77)
    with pytest.raises(TargetError, match="can't acquire itself"):
        MacOS(system).preflight(77, "suspend")


def test_failed_examination_gives_the_port_back(system: MacosSystem, fake: FakeMacOS) -> None:
    fake.dead = True
    with pytest.raises(TargetError, match="can't be examined"):
        MacOS(system).target(fake.pid)
    with pytest.raises(TargetError, match="can't be examined"):
        MacOS(system).preflight(fake.pid, "none")


def test_pages_are_those_of_the_target(system: MacosSystem, fake: FakeMacOS) -> None:
    # An Intel program on an ARM machine: not the page size of this process, nor the machine's.
    fake.page_size = 4096
    target = MacOS(system).target(fake.pid)
    assert target.page_size == target.identity().page_size == 4096
    target.close()


# The address space -------------------------------------------------------------------------


def test_walk(target: MacOSTarget) -> None:
    found = [
        (m.start, m.size // PAGE, m.protection, m.region_type, m.name) for m in target.mappings()
    ]
    # Bits: 1 read, 2 write, 4 execute, 8 guard, 16 copy on write.
    assert found == [
        (EXE, 2, 5 | 16, "image", "/bin/target"),
        (EXE + 2 * PAGE, 1, 3 | 16, "anonymous", ""),
        (LIST, 1, 3, "image", ""),
        (HEAP, 8, 3, "heap", ""),
        (LAZY, 64, 3, "anonymous", ""),
        (LAZY + 0x1000_0000, 1, 1, "mapped_file", "/tmp/data"),
        (STACK - PAGE, 1, 8, "stack", ""),
        (STACK, 2, 3, "stack", ""),
        (STACK + 0x10_0000, 1, 0, "anonymous", ""),
        (STACK + 0x20_0000, 1, 3, "anonymous", ""),
        (STACK + 0x30_0000, 1, 3, "shared_mem", ""),
        # Inside a submap.
        (CACHE, 2, 5 | 16, "image", ""),
    ]


def test_native_description(target: MacOSTarget) -> None:
    heap = next(mapping for mapping in target.mappings() if mapping.start == HEAP)
    assert len(heap.native) == 76
    assert struct.unpack_from("<ii", heap.native) == (3, 7)
    assert struct.unpack_from("<I", heap.native, 20) == (2,)


@pytest.mark.parametrize(
    ("start", "end"), [(0x4000, 0x4000), (0x4000, 0x3000)], ids=["empty", "backwards"]
)
def test_walk_that_stands_still_ends(
    target: MacOSTarget, monkeypatch: pytest.MonkeyPatch, start: int, end: int
) -> None:
    region = ApiRegion(start, end, structures.SubmapInfo())
    monkeypatch.setattr(MacosSystem, "region", lambda *_: region)
    with pytest.raises(TargetError, match="asked for 0x0, got the region from 0x4000"):
        target.mappings()


def test_walk_that_goes_back_ends(target: MacOSTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    region = ApiRegion(0, 0x4000, structures.SubmapInfo())
    monkeypatch.setattr(MacosSystem, "region", lambda *_: region)
    with pytest.raises(TargetError, match="asked for 0x4000, got the region from 0x0"):
        target.mappings()


def test_walk_of_a_dead_task(target: MacOSTarget, fake: FakeMacOS) -> None:
    fake.dead = True
    with pytest.raises(TargetError, match="can't be walked at 0x0"):
        target.mappings()
    assert not target.alive()


def test_plans(target: MacOSTarget, fake: FakeMacOS) -> None:
    mappings = target.mappings()
    plans = {m.start: list(plan) for m, plan in zip(mappings, target.plans(mappings), strict=True)}
    assert plans[HEAP] == [(1, *READ), (2, *UNTOUCHED), (2, *READ), (1, *UNTOUCHED), (2, *READ)]
    assert plans[LAZY] == [(64, *UNTOUCHED)]
    assert plans[STACK - PAGE] == [(1, Action.SKIP, "guard", 0)]
    assert plans[STACK + 0x10_0000] == [(1, Action.SKIP, "no_access", 0)]
    assert plans[STACK + 0x20_0000] == [(1, Action.SKIP, "device", 0)]
    for start in (EXE, EXE + 2 * PAGE, LAZY + 0x1000_0000, STACK + 0x30_0000, CACHE):
        assert [stretch[1:] for stretch in plans[start]] == [READ]
    for mapping in mappings:
        assert sum(stretch.pages for stretch in plans[mapping.start]) == mapping.size // PAGE


@pytest.mark.parametrize(
    "region",
    [
        Region(HEAP, 4, mode=COW, absent={1}),
        Region(HEAP, 4, mode=SHARED, absent={1}),
        Region(HEAP, 4, pager=1, absent={1}),
        Region(HEAP, 4, shadow=1, absent={1}),
    ],
    ids=["copy on write", "shared", "pager", "shadow"],
)
def test_absent_is_not_untouched_where_bytes_may_come_from_elsewhere(
    target: MacOSTarget, fake: FakeMacOS, region: Region
) -> None:
    fake.regions = [region]
    assert list(target.plans(target.mappings())) == [[(4, *READ)]]
    assert fake.page_queries == 0


def test_many_pages_are_asked_for_in_pieces(target: MacOSTarget, fake: FakeMacOS) -> None:
    fake.regions = [Region(HEAP, 10_000, absent=set(range(4000, 9000)))]
    (plan,) = target.plans(target.mappings())
    assert fake.page_queries == 3
    states = [stretch.action for stretch in plan for _ in range(stretch.pages)]
    assert states == [Action.READ] * 4000 + [Action.UNTOUCHED] * 5000 + [Action.READ] * 1000


@pytest.mark.parametrize(
    "instead",
    [[], [Region(HEAP, 8, number=78)], [Region(HEAP, 4)], [Region(HEAP + PAGE, 7)]],
    ids=["gone", "replaced", "cut behind", "cut in front"],
)
def test_vanished_memory_is_not_called_untouched(
    target: MacOSTarget, fake: FakeMacOS, instead: list[Region]
) -> None:
    """It goes between the look at the region and the question for its pages."""
    fake.regions = [Region(HEAP, 8)]
    mappings = target.mappings()

    def vanish() -> None:
        fake.regions = []

    def replace() -> None:
        fake.regions = list(instead)

    fake.before_page_query, fake.after_page_query = vanish, replace
    assert list(target.plans(mappings)) == [[(8, *READ)]]


def test_half_an_answer_is_none(target: MacOSTarget, fake: FakeMacOS) -> None:
    fake.regions = [Region(HEAP, 8, absent={1, 6})]
    fake.pages_answered = 4
    assert list(target.plans(target.mappings())) == [[(8, *READ)]]


def test_plan_sees_what_changed_since_the_walk(target: MacOSTarget, fake: FakeMacOS) -> None:
    fake.regions = [Region(HEAP, 8)]
    mappings = target.mappings()
    fake.regions = [
        Region(HEAP, 1),
        Region(HEAP + 2 * PAGE, 2, 0),
        Region(HEAP + 4 * PAGE, 1),
    ]
    assert list(target.plans(mappings)) == [
        [(1, *READ), (1, *READ), (2, Action.SKIP, "no_access", 0), (1, *READ), (3, *READ)]
    ]


def test_device_memory_on_request(system: MacosSystem, fake: FakeMacOS) -> None:
    fake.regions = [Region(HEAP, 1, tag=21, mode=SHARED)]
    target = MacOS(system, devices=True).target(fake.pid)
    assert list(target.plans(target.mappings())) == [[(1, *READ)]]
    target.close()


# Reading -----------------------------------------------------------------------------------


def test_read(target: MacOSTarget, fake: FakeMacOS) -> None:
    mapping = target.mappings()[0]
    view = buffer(2)
    assert target.read(mapping, EXE, view) == 2 * PAGE
    assert bytes(view) == fake.regions[0].page(0) + fake.regions[0].page(1)


@pytest.mark.parametrize("bad", range(8))
def test_all_or_nothing_read_is_halved(target: MacOSTarget, fake: FakeMacOS, bad: int) -> None:
    fake.regions = [Region(HEAP, 8, errors={bad: 10})]
    mapping = target.mappings()[0]
    view = buffer(8)
    assert target.read(mapping, HEAP, view) == bad * PAGE
    assert bytes(view[: bad * PAGE]) == b"".join(fake.regions[0].page(i) for i in range(bad))
    assert bytes(view[bad * PAGE :]) == b"\xaa" * (8 - bad) * PAGE
    assert target.failure(mapping, HEAP + bad * PAGE, 8 - bad) == ("failed", "pager", 10, 1)


@pytest.mark.parametrize(
    ("code", "cause"), [(1, "read_error"), (2, "no_access"), (9, "pager"), (10, "pager")]
)
def test_failed_while_mapped(target: MacOSTarget, fake: FakeMacOS, code: int, cause: str) -> None:
    fake.regions = [Region(HEAP, 2, errors={0: code})]
    mapping = target.mappings()[0]
    assert target.read(mapping, HEAP, buffer(2)) == 0
    assert target.failure(mapping, HEAP, 2) == ("failed", cause, code, 1)


def test_failures(target: MacOSTarget, fake: FakeMacOS) -> None:
    fake.regions = [Region(HEAP, 8)]
    mapping = target.mappings()[0]
    fake.regions = [Region(HEAP, 2, 0), Region(HEAP + 4 * PAGE, 1, tag=31)]
    assert target.read(mapping, HEAP, buffer(8)) == 0
    assert target.failure(mapping, HEAP, 8) == ("failed", "no_access", 2, 2)
    assert target.failure(mapping, HEAP + 2 * PAGE, 6) == ("unmapped", "unmapped", 0, 2)
    assert target.failure(mapping, HEAP + 4 * PAGE, 4) == ("failed", "guard", 0, 1)
    assert target.failure(mapping, HEAP + 5 * PAGE, 3) == ("unmapped", "unmapped", 0, 3)


def test_vanishes_between_walk_and_read(target: MacOSTarget, fake: FakeMacOS) -> None:
    mapping = next(m for m in target.mappings() if m.start == HEAP)

    def vanish(address: int) -> None:
        fake.regions = [region for region in fake.regions if region.start != HEAP]

    fake.before_read = vanish
    view = buffer(8)
    assert target.read(mapping, HEAP, view) == 0
    assert bytes(view) == b"\xaa" * 8 * PAGE
    assert target.failure(mapping, HEAP, 8) == ("unmapped", "unmapped", 1, 8)


def test_task_dies_between_walk_and_read(target: MacOSTarget, fake: FakeMacOS) -> None:
    mapping = target.mappings()[0]
    fake.dead = True
    assert target.read(mapping, EXE, buffer(2)) == 0
    assert target.failure(mapping, EXE, 2) == ("unmapped", "gone", 0x10000003, 2)


def test_no_answer_is_not_unmapped(
    target: MacOSTarget, fake: FakeMacOS, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = target.mappings()[0]
    monkeypatch.setattr(fake, "_no_task", lambda port: 6)
    assert target.failure(mapping, EXE, 2) == ("failed", "no_answer", 6, 1)


# Freezing ----------------------------------------------------------------------------------


def test_suspend_and_resume(target: MacOSTarget, fake: FakeMacOS) -> None:
    fake.suspend_count = 1
    frozen = target.freeze("suspend", None)
    assert fake.suspend_count == 2
    assert frozen.facts == {"suspend_count_before": 1}
    frozen.thaw()
    frozen.thaw()
    assert fake.suspend_count == 1
    assert frozen.why_ended == "done"
    assert 0 < frozen.began <= frozen.ended


def test_none_touches_nothing(target: MacOSTarget, fake: FakeMacOS) -> None:
    frozen = target.freeze("none", 0.01)
    threads = target.threads(frozen)
    assert [(t.registers, t.flags) for t in threads] == [((), ("partial",))] * 2
    frozen.thaw()
    assert fake.calls == []


def test_closing_undoes_the_freeze(system: MacosSystem, fake: FakeMacOS) -> None:
    target = MacOS(system).target(fake.pid)
    target.freeze("suspend", None)
    target.close()
    assert fake.suspend_count == 0


def test_interrupt_behind_the_call_undoes_the_freeze(
    target: MacOSTarget, fake: FakeMacOS, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = MacosSystem.suspend

    def interrupted(self: MacosSystem, task: int) -> None:
        real(self, task)
        raise KeyboardInterrupt

    monkeypatch.setattr(MacosSystem, "suspend", interrupted)
    with pytest.raises(KeyboardInterrupt):
        target.freeze("suspend", 60)
    assert fake.suspend_count == 0


def test_refused_freeze_leaves_everything(target: MacOSTarget, fake: FakeMacOS) -> None:
    fake.suspend_error = 5
    with pytest.raises(TargetError, match=r"can't be suspended: task_suspend.*0x5.*none"):
        target.freeze("suspend", 60)
    target.close()
    assert fake.calls == ["suspend"]


def test_time_is_up(target: MacOSTarget, fake: FakeMacOS) -> None:
    frozen = target.freeze("suspend", 0.05)
    assert fake.suspend_count == 1
    wait_until(lambda: frozen.ended)
    assert fake.suspend_count == 0
    assert frozen.why_ended == "max_freeze"
    frozen.thaw()
    assert fake.calls == ["suspend", "resume"]


def test_time_is_up_and_the_target_does_not_go(target: MacOSTarget, fake: FakeMacOS) -> None:
    fake.resume_error = 5
    frozen = target.freeze("suspend", 0.01)
    wait_until(lambda: "thaw_error" in frozen.facts)
    assert frozen.ended == 0
    fake.resume_error = 0
    frozen.thaw()
    assert fake.suspend_count == 0


def test_task_dies_while_frozen(target: MacOSTarget, fake: FakeMacOS) -> None:
    frozen = target.freeze("suspend", None)
    fake.dead = True
    frozen.thaw()
    assert frozen.why_ended == "gone"


# What else is known ------------------------------------------------------------------------


def test_arm_threads(target: MacOSTarget) -> None:
    frozen = target.freeze("suspend", None)
    first, second = target.threads(frozen)
    assert (first.thread_id, first.name, first.thread_state) == (901, "main", "waiting")
    assert (second.thread_id, second.name, second.thread_state) == (902, "worker", "running")
    registers = {r.name: int.from_bytes(r.value, "little") for r in first.registers}
    assert registers == {
        **{f"x{i}": 0x1000 + i for i in range(29)},
        "fp": 0xF9,
        "lr": 0x10,
        "sp": STACK,
        "pc": EXE + 0x100,
        "cpsr": 0x6000_0000,
    }
    assert {r.name: r.flags for r in first.registers if r.flags} == {
        "fp": ("fp",),
        "lr": ("link_register",),
        "sp": ("sp",),
        "pc": ("pc",),
        "cpsr": ("flags",),
    }
    frozen.thaw()


def test_intel_threads(target: MacOSTarget, fake: FakeMacOS) -> None:
    fake.regions[0].content = image(INTEL, 0x8000, UUID)
    # In the order of the header: rax rbx rcx rdx rdi rsi rbp rsp r8-r15 rip rflags cs fs gs.
    fake.threads = [FakeThread(1, flavor=4, state=struct.pack("<21Q", *range(100, 121)))]
    frozen = target.freeze("suspend", None)
    (thread,) = target.threads(frozen)
    values = {r.name: int.from_bytes(r.value, "little") for r in thread.registers}
    some = {"rax": 100, "rbx": 101, "rdi": 104, "rbp": 106, "rsp": 107, "r8": 108, "r15": 115}
    assert values | some | {"rip": 116, "rflags": 117, "cs": 118, "fs": 119, "gs": 120} == values
    assert len(values) == 21
    assert target.identity().arch_type == "x86_64"
    frozen.thaw()


def test_threads_that_resist(target: MacOSTarget, fake: FakeMacOS) -> None:
    fake.threads += [FakeThread(903, gone=True), FakeThread(904, flavor=4)]
    frozen = target.freeze("suspend", None)
    threads = {thread.thread_id: thread for thread in target.threads(frozen)}
    assert sorted(threads) == [901, 902, 904]
    assert (threads[904].registers, threads[904].flags) == ((), ("partial",))
    assert list(frozen.facts["thread_errors"]) == [904]
    assert len(frozen.facts["threads_gone"]) == 1
    frozen.thaw()


def test_identity(target: MacOSTarget, fake: FakeMacOS) -> None:
    identity = target.identity()
    assert (identity.pid, identity.ppid, identity.session_id) == (fake.pid, 1, 42)
    assert identity.start_time == 1_700_000_000_123_456_000
    assert (identity.exe_path, identity.cmd_line) == ("/bin/target", "target -x a b")
    assert (identity.name, identity.os_type) == ("a target's long name", "macos")
    assert (identity.arch_type, identity.page_size) == ("arm64", PAGE)
    assert target.resident() == 654321


def test_what_is_not_told_stays_empty(target: MacOSTarget, fake: FakeMacOS) -> None:
    fake.arguments, fake.images, fake.processes = b"", 0, {}
    identity = target.identity()
    assert (identity.cmd_line, identity.arch_type, identity.ppid) == ("", "unknown", 0)
    assert sorted(target.facts()["unknown"]) == ["cmd_line", "process"]


def test_modules(target: MacOSTarget, fake: FakeMacOS, tmp_path: Path) -> None:
    file = tmp_path / "lib.dylib"
    file.write_bytes(b"abc")
    images = [(CACHE, b"/usr/lib/x"), (EXE, bytes(file)), (0x5000, b"/nowhere")]
    fake.regions[2].content = image_list(LIST, images)
    target.prepare()
    nowhere, own, cached = target.modules(target.mappings())
    assert (own.base_addr, own.module_size, own.path) == (EXE, 0x8000, str(file))
    assert own.build_id == cached.build_id == UUID
    # BLAKE3 of "abc", from its own test vectors; in the shared cache there are no files.
    assert own.disk_hash == bytes.fromhex(
        "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
    )
    assert (cached.base_addr, cached.module_size, cached.disk_hash) == (CACHE, 0x4000, None)
    # Its header can't be read: nothing is made up.
    assert (nowhere.module_size, nowhere.build_id, nowhere.path) == (0, b"", "/nowhere")
    assert target.facts()["modules_from"] == "dyld"


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<IIQ", 17, 2, 0),
        struct.pack("<IIQ", 17, 0xFFFF_FFFF, LIST + 64),
        struct.pack("<IIQ", 17, 2, 0xDEAD_0000),
        struct.pack("<IIQ", 17, 0, LIST + 64),
    ],
    ids=["being changed", "absurd count", "wild pointer", "empty"],
)
def test_hostile_image_list(target: MacOSTarget, fake: FakeMacOS, content: bytes) -> None:
    fake.regions[2].content = content
    (module,) = target.modules(target.mappings())
    assert (module.base_addr, module.module_size, module.path) == (EXE, 2 * PAGE, "/bin/target")
    assert target.facts()["modules_from"] == "mappings"


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"\xcf\xfa\xed\xfe" + struct.pack("<7I", ARM, 0, 2, 9, 0xFFFF_FFFF, 0, 0),
        lambda raw: raw[:36] + bytes(4) + raw[40:],
        lambda raw: raw[:36] + b"\xff\xff\xff\xff" + raw[40:],
        lambda raw: b"\0" * 64,
        lambda raw: raw[:20] + struct.pack("<I", 72 + 40) + raw[24:],
    ],
    ids=["commands beyond reason", "no length", "too long", "no image", "cut in a segment"],
)
def test_hostile_image(
    target: MacOSTarget, fake: FakeMacOS, damage: Callable[[bytes], bytes]
) -> None:
    fake.regions[0].content = damage(image(ARM, 0x8000, UUID))
    module = target.modules(target.mappings())[0]
    assert (module.base_addr, module.module_size, module.build_id) == (EXE, 0, b"")
    # It is not the target that says how much memory this takes.
    assert fake.largest_read <= 1 << 20


def test_uuid_that_is_cut_off(target: MacOSTarget, fake: FakeMacOS) -> None:
    whole = image(ARM, 0x8000, UUID)
    fake.regions[0].content = whole[:20] + struct.pack("<I", 2 * 72 + 16) + whole[24:]
    module = target.modules(target.mappings())[0]
    assert (module.module_size, module.build_id) == (0x8000, b"")


def test_find_and_children(system: MacosSystem, fake: FakeMacOS) -> None:
    fake.processes |= {50: (fake.pid, b"sub", b""), 40: (50, b"sub", b""), 60: (1, b"other", b"")}
    backend = MacOS(system)
    assert backend.find("sub") == [40, 50]
    assert backend.find("target") == backend.find("a target's long name") == [fake.pid]
    assert backend.children(fake.pid) == [40, 50]
    assert backend.host()["boot_id"] == "B007"
    assert backend.freezers[0] == "suspend"


# All together ------------------------------------------------------------------------------


@pytest.mark.parametrize("draft", PUBLIC)
def test_session(draft: str, system: MacosSystem, fake: FakeMacOS) -> None:
    """A dump through the session: every page of it is what the model says it is."""
    from msl_acquire.options import Options
    from msl_acquire.session import Session

    fake.regions[7].errors = {1: 10}
    file = io.BytesIO()
    report = Session(MacOS(system), fake.pid, file, Options(draft=draft)).run()
    assert report.status == "complete"
    assert fake.suspend_count == 0

    def untouched(region: Region, number: int) -> bool:
        mine = region.mode == EMPTY or number in region.absent
        return mine and not region.pager and not region.shadow

    expected = {
        region.start + PAGE * number: (
            "not_resident"
            if DRAFTS[draft].has_state("not_resident") and untouched(region, number)
            else region.page(number)
            if region.protection & 1 and region.tag != 21 and number not in region.errors
            else "failed"
        )
        for region in fake.regions
        for number in range(region.pages)
    }
    assert pages_of(file.getvalue(), PAGE) == expected
    # What was never touched got no memory by being read.
    assert fake.touched == []
