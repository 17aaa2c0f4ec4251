"""Thread Contexts from register sets as they came: the same bytes as register by register."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from sampling import sampled

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

from msl_acquire import blocks
from msl_acquire.linux import registers
from msl_acquire.linux.registers.raw import RawRegisters
from msl_acquire.model import Register, Thread
from msl_construct.drafts import NEWEST_DRAFT, schema
from msl_construct.schema import ByteOrder

Sets = dict[int, bytes]

GENERAL, FLOATING, EXTENDED, FLOATING_32, TLS, SVE = 1, 2, 0x202, 0x46E62B7F, 0x401, 0x405
AVX, AVX512, KEYS = 7, 0xE7, 0x200
IMAGES = [
    (2696, AVX512 | KEYS),  # Intel with AVX-512
    (2440, AVX512 | KEYS),  # AMD with it
    (840, AVX | KEYS),  # AMD without it
    (832, AVX),
    (576, 3),
    (2432, AVX512),
    (11008, AVX512 | KEYS | 3 << 17),  # with the tiles of AMX
    (2000, AVX512 | KEYS),  # nobody's
    (575, AVX),  # too short to be one
]
IN_USE = (0, 1, 3, 7, 0xE7, 0x2E7, 0x200, 3 << 3, 3 << 17, 1 << 19)


def image(rng: random.Random, size: int, mask: int) -> bytes:
    found = bytearray(rng.randbytes(size))
    found[464:472] = mask.to_bytes(8, "little")
    found[512:520] = rng.choice(IN_USE).to_bytes(8, "little")
    return bytes(found[:size])


def some_sets(rng: random.Random, machine: str) -> Sets:
    """What a kernel may give of a thread, some of it missing or of a size that nobody knows."""
    found: Sets = {}
    if machine == "x86_64":
        found[GENERAL] = rng.randbytes(rng.choice((216, 216, 216, 68, 8)))
        if rng.random() < 0.8:
            found[EXTENDED] = image(rng, *rng.choice(IMAGES))
        for number in (FLOATING, FLOATING_32):
            if rng.random() < 0.4:
                found[number] = rng.randbytes(rng.choice((512, 512, 108)))
    else:
        found[GENERAL] = rng.randbytes(rng.choice((272, 272, 72)))
        found[FLOATING] = rng.randbytes(rng.choice((528, 520)))
        found[TLS] = rng.randbytes(rng.choice((8, 16, 0)))
        found[SVE] = rng.randbytes(16)
    for number in list(found):
        if rng.random() < 0.1:
            del found[number]
    return found


def by_the_schema(
    thread: Thread, given: Sequence[Register], byte_order: ByteOrder, *, current: bool
) -> bytes:
    """The payload of a Thread Context, of which every register is stored for itself."""
    layout = schema(NEWEST_DRAFT, byte_order).block("thread_context").layout
    assert layout is not None
    fields: dict[str, Any] = {
        "thread_id": thread.thread_id,
        "start_time": thread.start_time,
        "flags": [*thread.flags, *(["current"] if current else [])],
        "thread_state": thread.thread_state,
        "thread_name": thread.name or None,
        "registers": [
            {"name": r.name, "width": len(r.value), "flags": list(r.flags), "value": r.value}
            for r in given
        ],
    }
    return layout.encode(layout.complete(fields))


@sampled("machine")
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("byte_order", ByteOrder)
def test_any_register_sets(machine: str, byte_order: ByteOrder) -> None:
    rng = random.Random(f"{machine} {byte_order}")
    threads, wanted = [], []
    for number in range(600):  # more than are laid out at once
        sets = some_sets(rng, machine)
        given, missing = registers.decode(machine, sets)
        raw = RawRegisters(machine, partial(dict, sets))
        assert raw == given
        assert list(raw) == list(given)
        assert len(raw) == len(given)
        assert raw.missing == missing
        assert raw.roles == {role for register in given for role in register.flags}
        thread = Thread(
            rng.randrange(1 << 32),
            rng.randrange(1 << 60),
            rng.choice(("", "worker", "wörker", "pool-1\udcff")),
            rng.choice(("running", "sleeping", "unknown")),
            raw,
            rng.choice(((), ("suspended",), ("suspended", "partial"))),
        )
        named = Thread(*(getattr(thread, key) for key in thread.__dataclass_fields__))
        object.__setattr__(named, "name", thread.name.replace("\udcff", "\ufffd"))
        assert blocks.complete(thread) == ({"pc", "sp"} <= raw.roles)
        threads.append(thread)
        wanted.append(by_the_schema(named, given, byte_order, current=number == 0))
    assert list(blocks.thread_contexts(threads, schema(NEWEST_DRAFT, byte_order))) == wanted


@pytest.mark.parametrize("width", [4, 8])
def test_threads_of_which_only_the_pointers_are_known(width: int) -> None:
    """They come register by register, and may stand between others."""
    rng = random.Random(width)
    pointers = registers.pointers("x86_64", width, rng.randrange(1 << 32), rng.randrange(1 << 32))
    sets = {GENERAL: rng.randbytes(216)}
    raw = RawRegisters("x86_64", lambda: sets)
    threads = [Thread(1, registers=pointers), Thread(2, registers=raw), Thread(3, registers=())]
    assert [blocks.complete(thread) for thread in threads] == [True, True, False]
    assert list(blocks.thread_contexts(threads, schema(NEWEST_DRAFT))) == [
        by_the_schema(thread, tuple(thread.registers), ByteOrder.LITTLE, current=thread is first)
        for first in threads[:1]
        for thread in threads
    ]


def test_a_machine_that_is_not_known() -> None:
    raw = RawRegisters("sparc64", lambda: {1: bytes(100)})
    assert (len(raw), raw.roles) == (0, frozenset())
    assert raw.missing == registers.decode("sparc64", {}).missing
    layout = schema(NEWEST_DRAFT).block("thread_context").layout
    assert layout is not None
    assert raw.stored(layout) == b""


def test_every_byte_is_a_register_s_or_says_how_they_are_laid_out() -> None:
    """Bytes that decide something may not be values, nor the other way round."""
    rng = random.Random("control")
    for machine in ("x86_64", "aarch64"):
        for _ in range(40):
            sets = some_sets(rng, machine)
            found = registers.decode(machine, sets)
            for number, other in _changed(rng, machine, sets):
                again = registers.decode(machine, {**sets, number: other})
                assert [(r.name, r.flags) for r in again.registers] == [
                    (r.name, r.flags) for r in found.registers
                ]
                assert again.missing == found.missing


def _changed(rng: random.Random, machine: str, sets: Sets) -> Iterator[tuple[int, bytes]]:
    """Each set with other values in it."""
    for number, given in sets.items():
        other = bytearray(rng.randbytes(len(given)))
        for part in registers.control(machine, number):
            other[part] = given[part]
        yield number, bytes(other)
