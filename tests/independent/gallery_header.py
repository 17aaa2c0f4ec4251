"""Gallery: every header code and bit, header sizes, versions, the encrypted header."""

from __future__ import annotations

from typing import Any

from . import wire
from .specimens import KINDS, LE11, Kind, Named, capture, finish, start

# Every registered code, then neighbours that are not registered, then the ranges' ends.
OS_CODES = (*range(10), 0x000A, 0x00FF, 0x0100, 0xFFFE, 0xFFFF)
ARCH_CODES = (*range(12), 0x000C, 0x00FF, 0x0100, 0xFFFE, 0xFFFF)
CLOCK_CODES = (*range(5), 5, 0xFE, 0xFF)
U16, U32, U64 = 0xFFFF, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF
HASH_CODES = ((0, "blake3"), (1, "sha_256"), (2, "sha_512_256"))


def headers() -> Named:
    for kind in KINDS:
        yield from _codes(kind)
        yield from _bits(kind)
        yield from _sizes(kind)
    yield from _revised()


def _codes(kind: Kind) -> Named:
    for code in OS_CODES:
        yield f"header-os-{code:04x}-{kind.name}", finish(start(kind, os_type=code), kind)
    for code in ARCH_CODES:
        yield f"header-arch-{code:04x}-{kind.name}", finish(start(kind, arch_type=code), kind)
    for code in CLOCK_CODES:
        yield f"header-clock-{code:02x}-{kind.name}", finish(start(kind, clock_source=code), kind)
    for name, value in (("zero", 0), ("one", 1), ("max", 0xFFFF_FFFF)):
        stamp = value | value << 32
        file = finish(start(kind, pid=value, timestamp=stamp), kind)
        yield f"header-pid-time-{name}-{kind.name}", file
    # UUIDs which are not version 4 are stored and shown like any other.
    for name, raw in (("nil", bytes(16)), ("ff", b"\xff" * 16), ("asc", bytes(range(16)))):
        yield f"header-uuid-{name}-{kind.name}", finish(start(kind, dump_uuid=raw), kind)


def _bits(kind: Kind) -> Named:
    encrypted = 2 if kind.revised else -1
    for bit in (*range(5), 15, 16, 31):
        if bit != encrypted:
            yield f"header-flag-{bit}-{kind.name}", finish(start(kind, flags=1 << bit), kind)
    all_flags = 0xFFFF_FFFF & ~(4 if kind.revised else 0)
    yield f"header-flags-all-{kind.name}", finish(start(kind, flags=all_flags), kind)
    for bit in (*range(16), 31, 32, 63):
        yield f"header-cap-{bit}-{kind.name}", finish(start(kind, cap_bitmap=1 << bit), kind)
    everything = finish(start(kind, cap_bitmap=(1 << 64) - 1), kind)
    yield f"header-caps-all-{kind.name}", everything
    reserved = b"\xa1\xa2" if kind.revised else bytes(range(1, 8))
    yield f"header-reserved-{kind.name}", finish(start(kind, reserved=reserved), kind)


def _sizes(kind: Kind) -> Named:
    for size in (64, 65, 72, 128, 255):
        builder = capture(kind, header_size=size)
        yield f"header-size-{size}-{kind.name}", builder.data()
    extension = bytes(range(0x40, 0x50))
    builder = capture(kind, header_size=80, extension=extension)
    yield f"header-size-80-filled-{kind.name}", builder.data()
    yield f"header-only-{kind.name}", start(kind).data()
    yield f"header-only-128-{kind.name}", start(kind, header_size=128).data()
    yield f"header-and-end-{kind.name}", finish(start(kind), kind)


def _revised() -> Named:
    o = LE11.order
    # Any other minor of the same major reads like the revised draft.
    for version in (0x0102, 0x01FF):
        yield f"header-version-{version:04x}", capture(LE11, version=version).data()
    for code, algorithm in HASH_CODES:
        file = capture(LE11, hash_algo=code, algorithm=algorithm).data()
        yield f"header-hash-{algorithm}-11-le", file
    for code in (3, 0x7F, 0xFF):
        yield f"header-hash-{code:02x}-11-le", capture(LE11, hash_algo=code).data()
    for count in (0, 1, 6, 0xFFFF_FFFF):
        yield f"header-count-{count}-11-le", capture(LE11, block_count=count).data()
    # Behind an encrypted header everything is opaque, even what looks like a block.
    sealed = wire.opaque(200)
    lengths = {0: 0, 1: 32, 2: 1088, 3: 1568, 4: 1120, 5: 0, 0xFE: U16, 0xFF: 7}
    for algo, kdf, encap, length in (
        *((algo, kdf, *pair) for algo in (1, 2) for kdf in (0, 1) for pair in lengths.items()),
        (0, 2, 0, 0), (3, 0xFE, 0, 0), (9, 9, 0xFF, 7), (0xFF, 0xFF, 0xFF, U16),
    ):  # fmt: skip
        extension = wire.encryption_extension(
            o,
            enc_algo=algo,
            kdf_type=kdf,
            key_encap=encap,
            kem_ct_len=length,
            cipher_len=len(sealed),
        )
        builder = start(LE11, flags=4, header_size=128, extension=extension)
        builder.raw(sealed)
        yield f"encrypted-{algo}-{kdf}-{encap}-11-le", builder.data()
    yield from _extensions(o)
    yield "encrypted-nothing-behind-11-le", start(LE11, flags=4, header_size=128).data()
    yield "encrypted-flag-header-64-11-le", capture(LE11, flags=4).data()
    yield "encrypted-all-flags-11-le", capture(LE11, flags=0xF, header_size=128).data()


def _extensions(o: str) -> Named:
    """The encryption extension: at its limits, where it does not fit, where more follows."""
    cases = {
        "zero": wire.encryption_extension(
            o, enc_algo=0, kdf_type=0, kdf_time=0, kdf_memory=0, kdf_lanes=0, nonce=bytes(24),
            kdf_salt=bytes(16),
        ),
        "max": b"\xff" * 64,
        "asc": bytes(range(1, 65)),
        "reserved": wire.encryption_extension(o, reserved=0xA1, reserved2=0xB2),
        "nonce-24": wire.encryption_extension(o, enc_algo=2, nonce=bytes(range(24))),
        "numbers": wire.encryption_extension(
            o, kdf_time=U32, kdf_memory=U32, kdf_lanes=255, kem_ct_len=U16, cipher_len=U64
        ),
    }  # fmt: skip
    for name, extension in cases.items():
        builder = start(LE11, flags=4, header_size=128, extension=extension)
        builder.raw(wire.opaque(40))
        yield f"encryption-{name}-11-le", builder.data()
    whole = wire.encryption_extension(o) + bytes(range(0x80, 0xFF))
    for size in (65, 96, 127, 128, 129, 136, 255):
        for name, flags in (("encrypted", 4), ("open", 0), ("redacted", 8)):
            fields: dict[str, Any] = {
                "flags": flags,
                "header_size": size,
                "extension": whole[: size - 64],
            }
            yield f"extension-{size}-{name}-11-le", capture(LE11, **fields).data()
    # Nothing says Encrypted in the first draft, where bit 2 has no name.
    for kind in KINDS[:2]:
        for size in (128, 136):
            extension = (wire.encryption_extension(kind.order) + bytes(range(8)))[: size - 64]
            builder = capture(kind, flags=4, header_size=size, extension=extension)
            yield f"extension-{size}-bit-2-{kind.name}", builder.data()
    builder = capture(LE11, version=0x0102, flags=4, header_size=128, extension=whole[:64])
    yield "encryption-version-0102", builder.data()
