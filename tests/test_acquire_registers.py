"""Registers: of real threads with known values, and of register sets written by hand."""

from __future__ import annotations

import os
import platform
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from acquire_targets import compiled, started, target

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

from msl_acquire.linux import registers
from msl_acquire.linux.freeze import freeze
from msl_acquire.linux.freeze.guardian.thread_state import Sighting
from msl_acquire.linux.freeze.hold import Hold
from msl_acquire.linux.threads import threads
from msl_acquire.model import Register

on_x86_64 = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="needs an x86-64 processor and kernel"
)

GENERAL = {
    "rax": 0xA0A1A2A3A4A5A6A7,
    "rbx": 0xB0B1B2B3B4B5B6B7,
    "rcx": 0xC0C1C2C3C4C5C6C7,
    "rdx": 0xD0D1D2D3D4D5D6D7,
    "rsi": 0xE0E1E2E3E4E5E6E7,
    "rdi": 0xF0F1F2F3F4F5F6F7,
    "rbp": 0x9091929394959697,
    "r8": 0x0808080808080808,
    "r9": 0x0909090909090909,
    "r10": 0x1010101010101010,
    "r11": 0x1111111111111111,
    "r12": 0x1212121212121212,
    "r13": 0x1313131313131313,
    "r14": 0x1414141414141414,
    "r15": 0x1515151515151515,
}
"""What freeze_registers.c loads."""


def by_name(found: tuple[Register, ...]) -> dict[str, bytes]:
    names = [register.name for register in found]
    assert len(names) == len(set(names))
    return {register.name: register.value for register in found}


def with_flag(found: tuple[Register, ...], flag: str) -> list[str]:
    return [register.name for register in found if flag in register.flags]


def vector(number: int, width: int) -> bytes:
    return bytes((7 * number + byte) & 0xFF for byte in range(width))


def test_the_main_thread_is_first_then_the_older_ones() -> None:
    """The numbers of the others began anew with the lowest ones."""
    hold = Hold(32751, "none")
    for number, start in ((467, 900), (32751, 800), (300, 901), (32760, 800)):
        hold.threads[number] = Sighting(number, "", "S", start, 4)
    assert [thread.thread_id for thread in threads(hold)] == [32751, 32760, 467, 300]


@on_x86_64
def test_a_thread_with_known_values() -> None:
    with target("freeze_registers") as (process, lines):
        said = dict(line.split() for line in lines)
        hold = freeze(process.pid, "ptrace", 30.0)
        hold.thaw()
        [thread] = [one for one in threads(hold) if one.thread_id == int(said["thread"])]
    found = thread.registers
    values = by_name(found)
    assert thread.flags == ("suspended",)
    for name, value in GENERAL.items():
        assert values[name] == value.to_bytes(8, "little"), name
    assert values["rip"] == int(said["counter"], 16).to_bytes(8, "little")
    assert values["rsp"] == int(said["stack"], 16).to_bytes(8, "little")
    assert values["fs_base"] == int(said["pointer"], 16).to_bytes(8, "little")
    assert values["eflags"][0] & 1  # carry
    assert (values["cs"][0], values["ss"][0]) == (0x33, 0x2B)
    assert values["st0"].hex() == "35c26821a2da0fc90040"  # pi
    assert values["st1"].hex() == "0000000000000080ff3f"  # one
    assert values["fctrl"] == bytes.fromhex("7f03")
    assert values["ftag"] == b"\xc0"
    assert values["fstat"] == bytes.fromhex("0030")  # top of stack: 6
    assert values["mxcsr"] == (0x9F80).to_bytes(4, "little")
    level = int(said["level"])
    kind, width, count = (("xmm", 16, 16), ("ymm", 32, 16), ("zmm", 64, 32))[level]
    for number in range(count):
        assert values[f"{kind}{number}"] == vector(number, width), number
    for number in range(8 if level == 2 else 0):
        assert values[f"k{number}"] == (0x0123456789ABCDEF + number).to_bytes(8, "little")
    others = {"xmm", "ymm", "zmm"} - {kind}
    assert not [name for name in values if name[:3] in others]
    assert with_flag(found, "pc") == ["rip"]
    assert with_flag(found, "sp") == ["rsp"]
    assert with_flag(found, "fp") == ["rbp"]
    assert with_flag(found, "flags") == ["eflags"]
    assert with_flag(found, "thread_pointer") == ["fs_base"]
    assert len(values) == 27 + 17 + count + (8 if level == 2 else 0) + ("pkru" in values)


@on_x86_64
@pytest.mark.parametrize("method", ["sigstop", "cgroup"])
def test_where_threads_stand_that_are_not_traced(method: str) -> None:
    if method == "cgroup":
        from test_acquire_freeze import need

        need(method)
    with target("freeze_registers") as (process, lines):
        said = dict(line.split() for line in lines)
        hold = freeze(process.pid, method, 30.0)
        try:
            found = {thread.thread_id: thread for thread in threads(hold)}
        finally:
            hold.thaw()
    thread = found[int(said["thread"])]
    assert thread.registers == (
        Register("rip", int(said["counter"], 16).to_bytes(8, "little"), ("pc",)),
        Register("rsp", int(said["stack"], 16).to_bytes(8, "little"), ("sp",)),
    )
    assert thread.flags == ("suspended", "partial")


@on_x86_64
def test_registers_may_be_left_out() -> None:
    with target("freeze_registers") as (process, _):
        hold = freeze(process.pid, "ptrace", 30.0, registers=False)
        hold.thaw()
        assert [thread.registers for thread in threads(hold)] == [(), ()]
        assert {thread.flags for thread in threads(hold)} == {("suspended", "partial")}


@on_x86_64
def test_32_bit_code(tmp_path: Path) -> None:
    options = ("-m32", "-nostdlib", "-static", "-fno-pie", "-no-pie", "-msse2")
    if shutil.which("gcc") is None:
        pytest.skip("needs a C compiler (gcc)")
    (tmp_path / "empty.c").write_text("void _start(void) { for (;;); }\n")
    command = ["gcc", *options, str(tmp_path / "empty.c"), "-o", str(tmp_path / "empty")]
    if subprocess.run(command, capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("needs a compiler that makes 32-bit programs (gcc -m32)")
    program = compiled("freeze_i386", *options)
    try:
        running = started([str(program)])
        process, _ = running.__enter__()
    except OSError:
        pytest.skip("needs a kernel that runs 32-bit programs")
    try:
        os.sched_yield()
        hold = freeze(process.pid, "ptrace", 30.0)
        hold.thaw()
        [thread] = threads(hold)
        stopped = freeze(process.pid, "sigstop", 30.0)
        stopped.thaw()
        [seen] = threads(stopped)
    finally:
        running.__exit__(None, None, None)
    values = by_name(thread.registers)
    expected = {
        "eax": 0xA0A1A2A3,
        "ebx": 0xB0B1B2B3,
        "ecx": 0xC0C1C2C3,
        "edx": 0xD0D1D2D3,
        "esi": 0xE0E1E2E3,
        "edi": 0xF0F1F2F3,
        "ebp": 0x90919293,
    }
    for name, value in expected.items():
        assert values[name] == value.to_bytes(4, "little"), name
    assert values["cs"] == (0x23).to_bytes(4, "little")
    vectors = [name for name in values if name[1:3] == "mm"]
    assert len(vectors) == 8
    for number in range(8):
        front = struct.pack("<4I", *(number << 16 | word for word in range(4)))
        [name] = [name for name in vectors if name[3:] == str(number)]
        assert values[name][:16] == front
    assert with_flag(thread.registers, "pc") == ["eip"]
    assert with_flag(thread.registers, "sp") == ["esp"]
    assert [(one.name, len(one.value)) for one in seen.registers] == [("eip", 4), ("esp", 4)]


def image(size: int, mask: int, seed: int, used: int | None = None) -> bytes:
    """An XSAVE image of random bytes, with these features enabled, and in use."""
    data = bytearray(random.Random(seed).randbytes(size))
    struct.pack_into("<Q", data, 464, mask)
    struct.pack_into("<Q", data, 512, mask if used is None else used)
    return bytes(data)


@pytest.mark.parametrize(
    ("size", "mask", "keys", "masks", "upper", "high"),
    [
        (2688, 0x0E7, None, 1088, 1152, 1664),  # Intel
        (2696, 0x2E7, 2688, 1088, 1152, 1664),  # Intel with protection keys
        (11008, 0x602E7, 2688, 1088, 1152, 1664),  # Intel with AMX
        (2432, 0x0E7, None, 832, 896, 1408),  # AMD
        (2440, 0x2E7, 2432, 832, 896, 1408),  # AMD with protection keys
    ],
)
def test_layouts_with_avx_512(
    size: int, mask: int, keys: int | None, masks: int, upper: int, high: int
) -> None:
    data = image(size, mask, size, used=mask & 0xFFFF)
    found, missing = registers.decode("x86_64", {1: bytes(216), 0x202: data})
    values = by_name(found)
    assert missing == ()
    for number in range(16):
        assert values[f"zmm{number}"] == (
            data[160 + 16 * number :][:16]
            + data[576 + 16 * number :][:16]
            + data[upper + 32 * number :][:32]
        )
        assert values[f"zmm{number + 16}"] == data[high + 64 * number :][:64]
    for number in range(8):
        assert values[f"k{number}"] == data[masks + 8 * number :][:8]
        assert values[f"st{number}"] == data[32 + 16 * number :][:10]
    assert values.get("pkru") == (None if keys is None else data[keys : keys + 4])
    assert values["mxcsr"] == data[24:28]
    assert values["fop"] == data[6:8]
    assert values["foseg"] == data[20:24]


@pytest.mark.parametrize(
    ("size", "mask", "keys"), [(832, 0x007, None), (840, 0x207, 832), (2696, 0x207, 2688)]
)
def test_layouts_with_avx(size: int, mask: int, keys: int | None) -> None:
    data = image(size, mask, size)
    found, missing = registers.decode("x86_64", {1: bytes(216), 0x202: data})
    values = by_name(found)
    assert missing == ()
    for number in range(16):
        halves = data[160 + 16 * number :][:16] + data[576 + 16 * number :][:16]
        assert values[f"ymm{number}"] == halves
    assert "zmm0" not in values
    assert values.get("pkru") == (None if keys is None else data[keys : keys + 4])


def test_a_layout_without_avx() -> None:
    data = image(576, 3, 1)
    values = by_name(registers.decode("x86_64", {1: bytes(216), 0x202: data}).registers)
    assert values["xmm15"] == data[400:416]
    assert "ymm0" not in values


def test_an_unknown_layout_gives_what_is_certain_and_says_what_is_missing() -> None:
    data = image(1500, 0x2E7, 2)
    found, missing = registers.decode("x86_64", {1: bytes(216), 0x202: data})
    values = by_name(found)
    assert values["ymm1"] == data[176:192] + data[592:608]
    assert not {"zmm0", "k0", "pkru"} & set(values)
    assert any("unknown layout" in what for what in missing)


def test_what_is_in_use_and_not_decoded_is_missing() -> None:
    data = image(11008, 0x602E7, 3)
    assert registers.decode("x86_64", {1: bytes(216), 0x202: data}).missing == ("registers of AMX",)


def test_a_processor_without_xsave() -> None:
    data = random.Random(4).randbytes(512)
    found, missing = registers.decode("x86_64", {1: bytes(216), 2: data})
    values = by_name(found)
    assert values["xmm3"] == data[208:224]
    assert values["st7"] == data[144:154]
    assert missing


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "sparc64"])
def test_nothing_given_is_nothing_found(machine: str) -> None:
    found, missing = registers.decode(machine, {})
    assert found == ()
    assert missing


def test_64_bit_arm() -> None:
    general, floating = struct.pack("<34Q", *range(100, 134)), random.Random(5).randbytes(528)
    sets = {1: general, 2: floating, 0x401: struct.pack("<Q", 77)}
    found, missing = registers.decode("aarch64", sets)
    values = by_name(found)
    assert missing == ()
    for number in range(31):
        assert values[f"x{number}"] == (100 + number).to_bytes(8, "little")
    assert values["sp"] == (131).to_bytes(8, "little")
    assert values["pc"] == (132).to_bytes(8, "little")
    assert values["cpsr"] == (133).to_bytes(8, "little")
    for number in range(32):
        assert values[f"v{number}"] == floating[16 * number :][:16]
    assert (values["fpsr"], values["fpcr"]) == (floating[512:516], floating[516:520])
    assert values["tpidr"] == (77).to_bytes(8, "little")
    roles = {role: with_flag(found, role) for role in ("pc", "sp", "fp", "flags", "link_register")}
    assert roles == {
        "pc": ["pc"],
        "sp": ["sp"],
        "fp": ["x29"],
        "flags": ["cpsr"],
        "link_register": ["x30"],
    }
    assert with_flag(found, "thread_pointer") == ["tpidr"]


@pytest.mark.parametrize(("flags", "complete"), [(0, True), (1, False)])
def test_64_bit_arm_with_scalable_vectors(flags: int, complete: bool) -> None:
    header = struct.pack("<IIHHHH", 528, 8720, 64, 64, flags, 0)
    sets = {1: bytes(272), 2: bytes(528), 0x401: bytes(16), 0x405: header}
    assert (registers.decode("aarch64", sets).missing == ()) is complete


def test_32_bit_arm() -> None:
    found, missing = registers.decode("aarch64", {1: struct.pack("<18I", *range(18))})
    values = by_name(found)
    assert values["r0"] == bytes(4)
    assert values["r12"] == (12).to_bytes(4, "little")
    assert [with_flag(found, role) for role in ("sp", "pc")] == [["sp"], ["pc"]]
    assert (values["sp"][0], values["lr"][0], values["pc"][0], values["cpsr"][0]) == (
        13,
        14,
        15,
        16,
    )
    assert missing
