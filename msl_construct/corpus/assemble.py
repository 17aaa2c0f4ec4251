"""From a plan to bytes: everything that a draft computes, and then what is bent."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from ..encryption.ciphers import SLACK, cipher_named
from ..encryption.derive import segment_key
from ..encryption.parameters import NONCES, TAG
from ..hashing import new_hasher
from ..schema import Layout, Record, Schema
from .plan import Edit, Plan, PlannedBlock, Tail, uuid_of
from .streams import joined, stream_of

__all__ = ["END", "NIL", "START", "Built", "assemble", "payload_of"]

START = 1_773_528_836_123_456_789
"""When every sample's acquisition began: 2026-03-14 22:53:56 UTC."""
END = 1_773_528_837_987_654_321
"""When it ended."""
NIL = "00000000-0000-0000-0000-000000000000"
_PID = 4242


@dataclass(frozen=True)
class Built:
    """A sample's bytes.

    Attributes:
        data: the file.
        offsets: where each block begins, by its name; ``header``, ``end``, ``end 1``, ``tail``
            and ``sealed 1`` (the header of a sealed segment) beside those that the plan names.
    """

    data: bytes
    offsets: dict[str, int]


def assemble(plan: Plan) -> Built:
    """The file that a plan describes.

    Raises:
        MslError, ValueError, KeyError: the plan states what no document could.
    """
    assembly = _Assembly(plan)
    for name, block in plan.blocks.items():
        assembly.add(name, block)
    if plan.end is not None:
        assembly.add("end", plan.end)
    for name, block in plan.behind.items():
        assembly.add(name, block)
    for number, segment in enumerate(plan.segments, start=1):
        assembly.add_segment(f"end {number}", segment)
    return assembly.finish()


def payload_of(schema: Schema, block: PlannedBlock, computed: dict[str, Any]) -> bytes:
    """The payload's bytes before compression, edits included.

    Args:
        computed: fields that follow from the file, where the block does not state them.
    """
    if "raw" in block.payload:
        data = bytearray.fromhex(block.payload["raw"])
    else:
        layout = schema.block(block.type).layout
        if layout is None:
            raise ValueError(f"{block.type}: {schema.name} has no layout: state its payload as raw")
        record = layout.from_document({**computed, **block.payload})
        data = bytearray(joined(layout.pieces(layout.complete(record))))
    _edit(data, block.edits)
    return bytes(data[: block.keep]) + block.extra


def _edit(data: bytearray, edits: list[Edit]) -> None:
    for edit in edits:
        stop = edit.offset + len(edit.data)
        if stop > len(data):
            raise ValueError(f"an edit up to byte {stop} of {len(data)}")
        data[edit.offset : stop] = edit.data


class _Assembly:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._schema = plan.form.schema
        self._data = bytearray(self._header())
        self._offsets = {"header": 0}
        self._last = 0
        self._segment = 0
        self._count = 0

    def add(self, name: str, block: PlannedBlock, **computed: Any) -> None:
        """One block, behind what is there."""
        schema, data = self._schema, self._data
        self._count += 1
        if block.type == "end_of_capture":
            computed.update(file_hash=self._digest(0), acq_end=str(END))
            computed["block_count"] = self._count
        if computed and isinstance(block.type, str):
            has = self._plan.form.has
            computed = {key: one for key, one in computed.items() if has(block.type, key)}
        payload = payload_of(schema, block, computed)
        fields: dict[str, Any] = {"block_uuid": uuid_of(name), "parent_uuid": NIL, "flags": []}
        if block.codec is not None:
            flag = f"comp_algo_{block.codec}"
            fields["flags"] = ["compressed", flag]
            payload = stream_of(schema, payload, block.codec)
        if block.stream is not None:
            payload = block.stream
        linked = self._plan.key is None
        fields["prev_hash"] = self._digest(self._last) if linked else bytes(32).hex()
        flags = fields["flags"]
        fields.update(block.fields)
        fields["flags"] = list(dict.fromkeys([*fields["flags"], *flags]))
        fields["block_type"] = block.type if isinstance(block.type, str) else hex(block.type)
        layout = schema.block_header
        record = layout.from_document(fields)
        record["magic"] = schema.block_magic
        record["block_length"] = layout.size + len(payload)
        record = layout.complete(record)
        record.update(layout.from_document(block.lies))
        self._offsets[name] = self._last = len(data)
        header = bytearray(_stored(layout, record))
        _edit(header, block.header_edits)
        data += header
        data += payload

    def add_segment(self, closing: str, segment: Tail) -> None:
        """An extension segment."""
        start, self._count = len(self._data), 0
        for name, block in segment.blocks.items():
            self.add(name, block)
        if segment.end is not None:
            computed = {
                "segment_hash": self._digest(start),
                "block_count": self._count + 1,
                "written_at": str(END + 60_000_000_000),
                "producer": "corpus",
            }
            self.add(closing, segment.end, **computed)

    def finish(self) -> Built:
        """Encryption, what stands behind, and the cut."""
        plan = self._plan
        data = bytes(self._data)
        if plan.key is not None:
            data = self._sealed(data, plan.key)
        self._offsets["tail"] = len(data)
        data += plan.tail
        return Built(data[: len(data) - plan.cut], self._offsets)

    def _header(self) -> bytes:
        plan, schema = self._plan, self._schema
        layout = schema.file_header
        blocks = len(plan.blocks) + (plan.end is not None)
        stated: dict[str, Any] = {
            "dump_uuid": uuid_of("dump"),
            "timestamp": str(START),
            "os_type": "linux",
            "arch_type": "x86_64",
            "pid": _PID,
            "clock_source": "clock_realtime",
            "cap_bitmap": plan.capabilities,
        }
        if plan.form.has("file_header", "block_count"):
            stated["block_count"] = 0 if plan.key is not None else blocks
        if plan.form.has("file_header", "hash_algo"):
            stated["hash_algo"] = plan.hash_algo
        extension = b""
        if plan.encryption is not None:
            encryption = schema.encryption_header
            assert encryption is not None
            record = encryption.complete(encryption.from_document(plan.encryption))
            extension = bytes(encryption.encode(record))
            stated["header_size"] = schema.file_header_size + len(extension)
        record = layout.from_document({**stated, **plan.header})
        record["magic"] = schema.file_magic
        if "endianness" not in record:
            record.update(layout.from_document({"endianness": schema.byte_order.value}))
        record.setdefault("header_size", schema.file_header_size)
        data = bytearray(_stored(layout, layout.complete(record)) + extension)
        data += bytes(max(0, record["header_size"] - len(data)))
        _edit(data, plan.header_edits)
        return bytes(data) + plan.enclosed

    def _digest(self, start: int) -> str:
        hasher = new_hasher(self._plan.hash_algo)
        hasher.update(bytes(self._data[start:]))
        return hasher.digest().hex()

    def _sealed(self, data: bytes, key: bytes) -> bytes:
        """Everything behind the header as one message, and the segments behind it (§10)."""
        plan, layout = self._plan, self._schema.encryption_header
        assert layout is not None
        front = self._schema.file_header_size
        header = data[: front + layout.size]
        place = front + layout.offset_of("cipher_len")
        covered = header[:place] + bytes(layout.field("cipher_len").type.minimum)
        covered += data[len(covered) : len(header) + len(plan.enclosed)]
        plain = data[len(covered) :]
        stated = (plan.encryption or {}).get("enc_algo")
        name = stated if stated in NONCES else "aes_256_gcm"
        if plan.sized:
            size = layout.field("cipher_len").type.encode(len(plain), {})
            header = header[:place] + size
        nonce = data[front + layout.offset_of("nonce") :][: NONCES[name]]
        message = _message(name, key, nonce, plain, covered)
        sealed = header + covered[len(header) :] + message
        for index, segment in enumerate(plan.sealed_segments, 1):
            self._offsets[f"sealed {index}"] = len(sealed)
            sealed += self._sealed_segment(name, key, index, segment, covered, sealed[-TAG:])
        return sealed

    def _sealed_segment(
        self, name: str, key: bytes, index: int, segment: Tail, covered: bytes, before: bytes
    ) -> bytes:
        """One extension segment as a message of its own (§10.8)."""
        layout = self._schema.seal_header
        assert layout is not None
        alone = _Assembly(self._plan)
        start = len(alone._data)
        alone.add_segment(f"sealed-{index}", segment)
        plain = bytes(alone._data[start:])
        nonce = bytes([0xB0 + index] * NONCES[name]).ljust(max(NONCES.values()), b"\0")
        stated = {"seg_index": index, "seg_cipher_len": len(plain), "nonce": nonce}
        header = bytearray(layout.encode(layout.complete(stated)))
        if index == 1:
            _edit(header, self._plan.seal_edits)
        head = bytes(header)
        own = segment_key(key, uuid.UUID(uuid_of("dump")).bytes, index)
        return head + _message(name, own, nonce, plain, covered + head + before)


def _message(name: str, key: bytes, nonce: bytes, plain: bytes, covered: bytes) -> bytes:
    """Ciphertext and tag."""
    sealing = cipher_named(name, key, nonce).sealing(covered)
    buffer = bytearray(len(plain) + SLACK)
    count = sealing.update_into(plain, buffer)
    return bytes(buffer[:count]) + sealing.tag()


def _stored(layout: Layout, record: Record) -> bytes:
    return bytes(layout.encode(record))
