"""One fault each, of compressed payloads (§4.2; draft 2026-10 §4.2.1)."""

from __future__ import annotations

from typing import Literal

from .assemble import payload_of
from .faults import fault
from .manifest import Consumer
from .plan import Plan, before, since
from .recipe import Where, payload_at
from .streams import stream_of

_INFLATE = "PAYLOAD-NOT-INFLATABLE"
_SURPLUS = "STREAM-SURPLUS"
_FRAMING = 8
"""Bytes of UncompressedSize, in front of the stream."""


def _compress(plan: Plan, codec: str) -> bytearray:
    """Mark the Related Dump as compressed; what it then stores."""
    block = plan.block("related")
    plain = payload_of(plan.form.schema, block, {})
    block.fields["flags"] = ["compressed", f"comp_algo_{codec}"]
    block.stream = stream_of(plan.form.schema, plain, codec)
    return bytearray(block.stream)


def _store(plan: Plan, stored: bytes | bytearray) -> Where:
    plan.block("related").stream = bytes(stored)
    return payload_at(plan, "related")


def _frame_cut(plan: Plan) -> Where:
    """The last byte of a zstd frame is missing."""
    return _store(plan, _compress(plan, "zstd")[:-1])


def _lz4_cut(plan: Plan) -> Where:
    """The last byte of an LZ4 block is missing."""
    return _store(plan, _compress(plan, "lz4")[:-1])


def _frame_of_another_size(plan: Plan) -> Where:
    """UncompressedSize is one less than the zstd frame inflates to."""
    return _another_size(plan, "zstd")


def _lz4_of_another_size(plan: Plan) -> Where:
    """UncompressedSize is one less than the LZ4 block inflates to."""
    return _another_size(plan, "lz4")


def _another_size(plan: Plan, codec: str) -> Where:
    stored = _compress(plan, codec)
    lowest = 0 if plan.form.byte_order == "little" else 7
    stored[lowest] -= 1
    return _store(plan, stored)


def _no_framing(plan: Plan) -> Where:
    """A compressed payload of one byte, without a size."""
    _compress(plan, "zstd")
    return _store(plan, b"\x18")


def _no_stream(plan: Plan) -> Where:
    """A compressed payload that ends behind its size."""
    return _store(plan, _compress(plan, "zstd")[:_FRAMING])


def _lz4_frame(plan: Plan) -> Where:
    """An LZ4 frame where an LZ4 block belongs."""
    magic = bytes.fromhex("04224d18")
    stored = _compress(plan, "lz4")
    return _store(plan, stored[:8] + magic + stored[12:])


def _promise_of_512_mib(plan: Plan) -> Where:
    """UncompressedSize is 512 MiB, and the zstd frame inflates to a few bytes."""
    stored = _compress(plan, "zstd")
    order: Literal["little", "big"] = "big" if plan.form.byte_order == "big" else "little"
    stored[:_FRAMING] = (1 << 29).to_bytes(_FRAMING, order)
    return _store(plan, stored)


def _frame_of_256_mib(plan: Plan) -> Where:
    """UncompressedSize is that of a Related Dump; the zstd frame inflates to 256 MiB."""
    size = bytes(_compress(plan, "zstd")[:_FRAMING])
    frame = stream_of(plan.form.schema, bytes(1 << 28), "zstd")[_FRAMING:]
    return _store(plan, size + frame)


def _eight_zeros(plan: Plan) -> Where:
    """Eight zeros behind the zstd frame, one more than readers must tolerate."""
    return _behind(plan, "zstd", bytes(8))


def _two_frames(plan: Plan) -> Where:
    """A second zstd frame behind the first."""
    return _behind(plan, "zstd", bytes(_compress(plan, "zstd")[_FRAMING:]))


def _behind(plan: Plan, codec: str, extra: bytes) -> Where:
    stored = bytes(_compress(plan, codec))
    _store(plan, stored + extra)
    return payload_at(plan, "related", len(stored))


for _bend in (
    _frame_cut,
    _lz4_cut,
    _frame_of_another_size,
    _lz4_of_another_size,
    _no_framing,
    _no_stream,
    _lz4_frame,
    _promise_of_512_mib,
    _frame_of_256_mib,
):
    fault(f"MSL-4.2.1-{_INFLATE}", since("draft-2026-10"))(_bend)
    fault(f"MSLX-4.2-{_INFLATE}", before("draft-2026-10"))(_bend)
for _bend in (_eight_zeros, _two_frames):
    fault(f"MSL-4.2.1-{_SURPLUS}", since("draft-2026-10"))(_bend)
    fault(f"MSLX-4.2-{_SURPLUS}", before("draft-2026-10"))(_bend)


@fault(
    "MSL-4.2.1-STREAM-PADDED",
    since("draft-2026-10"),
    features=("padded-stream",),
    consumer=Consumer.ACCEPT,
)
def zstd_padded(plan: Plan) -> Where:
    """Seven zeros behind a zstd frame, which readers tolerate."""
    return _behind(plan, "zstd", bytes(7))


@fault(
    "MSL-4.2.1-STREAM-PADDED",
    since("draft-2026-10"),
    features=("padded-stream",),
    consumer=Consumer.ACCEPT,
)
def lz4_padded(plan: Plan) -> Where:
    """A zero behind an LZ4 block, which readers tolerate."""
    return _behind(plan, "lz4", b"\0")
