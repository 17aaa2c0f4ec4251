"""One fault each, of the file header, of block types and of block flags (§3, §4.2, §4.3)."""

from __future__ import annotations

from .base_plans import encrypted, minimal
from .faults import fault
from .manifest import Consumer
from .plan import Edit, Plan, before, since
from .recipe import HEADER, Where, field_of

_OPAQUE = {"raw": bytes(range(24)).hex()}


@fault(
    "MSL-3-FILE-HEADER-VALUE-NOT-PERMITTED",
    before("draft-2026-10"),
    minimal,
    features=("hdr72",),
    consumer=Consumer.ACCEPT,
)
def header_of_72(plan: Plan) -> Where:
    """HeaderSize is 72: Block 0 stands 8 bytes behind the fields that are known."""
    plan.header["header_size"] = 72
    return field_of(plan, HEADER, "header_size")


@fault(
    "MSL-3-FILE-HEADER-VALUE-NOT-PERMITTED",
    since("draft-2026-10"),
    minimal,
    features=("minor",),
    consumer=Consumer.ACCEPT,
)
def minor_version_unknown(plan: Plan) -> Where:
    """Version 0x0102: an unknown minor of a known major, which consumers parse."""
    plan.header["version"] = "0x0102"
    return field_of(plan, HEADER, "version")


@fault(
    "MSL-1.3-BYTE-ORDER-NOT-AS-STATED",
    before("draft-2026-10", "little"),
    minimal,
    consumer=Consumer.EITHER,
)
def header_of_the_other_byte_order(plan: Plan) -> Where:
    """Endianness says big, and every integer is little-endian: Version reads 0x0001 (§3.2)."""
    schema = plan.form.schema
    code = int(schema.enumerations["Endianness"].encode("big"))
    plan.header_edits.append(Edit(schema.file_header.offset_of("endianness"), bytes([code])))
    return field_of(plan, HEADER, "endianness")


@fault("MSL-3-FILE-HEADER-UNDEFINED-FLAG", base=minimal, consumer=Consumer.ACCEPT)
def capability_of_nothing(plan: Plan) -> Where:
    """The topmost bit of CapBitmap is set."""
    plan.header["cap_bitmap"] = [*plan.capabilities, "bit_63"]
    return field_of(plan, HEADER, "cap_bitmap")


@fault("MSL-3-FILE-HEADER-UNDEFINED-FLAG", base=minimal, consumer=Consumer.ACCEPT)
def header_flag_of_nothing(plan: Plan) -> Where:
    """The topmost bit of the header's Flags is set."""
    plan.header["flags"] = ["bit_31"]
    return field_of(plan, HEADER, "flags")


@fault("MSL-3-FILE-HEADER-RESERVED-CODE", base=minimal)
def operating_system_reserved(plan: Plan) -> Where:
    """OSType holds the first reserved code."""
    plan.header["os_type"] = "0x000a"
    return field_of(plan, HEADER, "os_type")


@fault("MSL-3-FILE-HEADER-RESERVED-CODE", base=minimal)
def architecture_reserved(plan: Plan) -> Where:
    """ArchType holds the last reserved code."""
    plan.header["arch_type"] = "0x00ff"
    return field_of(plan, HEADER, "arch_type")


@fault("MSL-3-FILE-HEADER-RESERVED-CODE", base=minimal)
def clock_reserved(plan: Plan) -> Where:
    """ClockSource holds the first reserved code."""
    plan.header["clock_source"] = "0x05"
    return field_of(plan, HEADER, "clock_source")


@fault("MSL-3-HEADER-SIZE-NOT-AS-ENCRYPTED", since("draft-2026-10"))
def header_128_without_encryption(plan: Plan) -> Where:
    """HeaderSize is 128 in a file that is not Encrypted."""
    plan.header["header_size"] = 128
    return field_of(plan, HEADER, "header_size")


@fault("MSL-3-HEADER-SIZE-NOT-AS-ENCRYPTED", since("draft-2026-10"), exit=5)
def header_64_with_encryption(plan: Plan) -> Where:
    """The flag Encrypted in a file whose header has no room for the encryption's fields."""
    plan.header["flags"] = ["encrypted"]
    return field_of(plan, HEADER, "header_size")


@fault("MSLX-3-HASH-ALGORITHM-PRIVATE", since("draft-2026-10"))
def hash_of_ones_own(plan: Plan) -> Where:
    """HashAlgo is Other: nobody can say how the hashes were made."""
    plan.header["hash_algo"] = "other"
    return field_of(plan, HEADER, "hash_algo")


@fault("MSL-10-KEY-DERIVATION-TOO-WEAK", since("draft-2026-10"), encrypted, exit=5)
def two_passes(plan: Plan) -> Where:
    """Argon2id with two passes."""
    return _encryption(plan, "kdf_time", kdf_time=2, kdf_memory=65_536, kdf_lanes=4)


@fault("MSL-10-KEY-DERIVATION-TOO-WEAK", since("draft-2026-10"), encrypted, exit=5)
def little_memory(plan: Plan) -> Where:
    """Argon2id with a KiB less than 64 MiB."""
    return _encryption(plan, "kdf_memory", kdf_time=3, kdf_memory=65_535, kdf_lanes=4)


@fault("MSL-10-KEY-DERIVATION-TOO-WEAK", since("draft-2026-10"), encrypted, exit=5)
def three_lanes(plan: Plan) -> Where:
    """Argon2id with three lanes."""
    return _encryption(plan, "kdf_lanes", kdf_time=3, kdf_memory=65_536, kdf_lanes=3)


@fault("MSL-3-ENCLOSED-KEY-LENGTH", since("draft-2026-10"), encrypted, exit=5)
def key_of_no_scheme(plan: Plan) -> Where:
    """KEMCtLen without a KeyEncap."""
    return _encryption(plan, "kem_ct_len", kdf_type="none", kem_ct_len=32)


@fault("MSL-3-NONCE-TAIL-NOT-ZERO", since("draft-2026-10"), encrypted, exit=5)
def long_nonce(plan: Plan) -> Where:
    """AES-256-GCM with a nonce of 24 bytes."""
    at = _encryption(plan, "nonce", kdf_type="none")
    tail = at.offset + 12
    plan.header_edits.append(Edit(tail, b"\x5a" * 12))
    return Where(HEADER, tail)


@fault("MSLX-3-NONCE-ZERO", since("draft-2026-10"), encrypted, exit=5)
def no_nonce(plan: Plan) -> Where:
    """A nonce of zeros."""
    return _encryption(plan, "nonce", kdf_type="none", nonce=bytes(24).hex())


@fault("MSLX-10-KEY-DERIVATION-WITHOUT-SALT", since("draft-2026-10"), encrypted, exit=5)
def no_salt(plan: Plan) -> Where:
    """Argon2id with a salt of zeros."""
    salt = bytes(16).hex()
    return _encryption(plan, "kdf_salt", kdf_time=3, kdf_memory=65_536, kdf_lanes=4, kdf_salt=salt)


def _encryption(plan: Plan, field: str, **values: object) -> Where:
    """Change the encryption header; where one of its fields stands."""
    assert plan.encryption is not None
    salt = bytes(range(16)).hex()
    plan.encryption.update({"kdf_type": "argon2id", "kdf_salt": salt, **values})
    schema = plan.form.schema
    assert schema.encryption_header is not None
    front = schema.file_header_size
    return Where(HEADER, front + schema.encryption_header.offset_of(field))


@fault("MSL-4.3-BLOCK-TYPE-INVALID", consumer=Consumer.REJECT_BLOCK)
def type_zero(plan: Plan) -> Where:
    """A block of type 0x0000."""
    plan.put("zero", "invalid", _OPAQUE, before="related")
    return field_of(plan, "zero", "block_type")


for _type in ("file_descriptor", "network_connection", "environment_block", "security_token"):

    def _type_without_payload(plan: Plan, key: str = _type) -> Where:
        plan.put("forbidden", key, _OPAQUE, before="related")
        return field_of(plan, "forbidden", "block_type")

    _type_without_payload.__name__ = _type
    _type_without_payload.__doc__ = (
        f"A block of the type {_type.replace('_', ' ')}, which 1.1 reserves without a payload."
    )
    fault("MSL-4.3-BLOCK-TYPE-FORBIDDEN", since("draft-2026-10"), consumer=Consumer.ACCEPT)(
        _type_without_payload
    )


@fault("MSLX-4.3-BLOCK-TYPE-UNREGISTERED", features=("unkblk",), consumer=Consumer.ACCEPT)
def type_unknown(plan: Plan) -> Where:
    """A block of a type that nobody registered, to be skipped by its BlockLength."""
    plan.put("unknown", 0x2345, _OPAQUE, before="related")
    return field_of(plan, "unknown", "block_type")


@fault("MSL-4.2-COMP-ALGO-WITHOUT-COMPRESSED", features=("complago",), consumer=Consumer.ACCEPT)
def codec_of_nothing(plan: Plan) -> Where:
    """CompAlgo says zstd in a block that is not Compressed, and whose payload is plain."""
    plan.fields("related", flags=["comp_algo_zstd"])
    return field_of(plan, "related", "flags")


@fault("MSL-4.2-COMPRESSED-WITHOUT-COMP-ALGO")
def compressed_by_nothing(plan: Plan) -> Where:
    """The flag Compressed without a CompAlgo."""
    plan.fields("related", flags=["compressed"])
    return field_of(plan, "related", "flags")


@fault("MSL-4.2-COMP-ALGO-RESERVED")
def compressed_by_nobody(plan: Plan) -> Where:
    """A Compressed block whose CompAlgo is the reserved 3."""
    plan.fields("related", flags=["compressed", "comp_algo_reserved"])
    return field_of(plan, "related", "flags")


@fault("MSL-4.2-CONTINUATION-OUTSIDE-REGION")
def continued_dump(plan: Plan) -> Where:
    """The flag Continuation on a Related Dump."""
    plan.fields("related", flags=["continuation"])
    return field_of(plan, "related", "flags")
