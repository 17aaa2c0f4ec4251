"""What the tests of the writer share: reproducible UUIDs and times, and typical headers."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from typing import Any

from independent import decode, wire
from independent.specimens import Kind

from msl_construct import Writer

CLOCK = 1_773_528_837_000_000_000
START = 1_773_528_836_123_456_789
DRAFTS = {wire.V10: "draft-2026-03", wire.V11: "draft-2026-10"}
MODULE = uuid.UUID(bytes=wire.uuid4(50))


def uid(seed: int) -> uuid.UUID:
    return uuid.UUID(bytes=wire.uuid4(seed))


def numbered(first: int = 100) -> Callable[[], uuid.UUID]:
    """UUIDs that are the same in every run."""
    state = {"next": first}

    def new_uuid() -> uuid.UUID:
        state["next"] += 1
        return uid(state["next"] - 1)

    return new_uuid


def header(*categories: str, **fields: Any) -> dict[str, Any]:
    return {
        "cap_bitmap": list(categories),
        "os_type": "linux",
        "arch_type": "x86_64",
        "pid": 4242,
        "clock_source": "clock_realtime",
        "dump_uuid": uid(0),
        "timestamp": START,
        **fields,
    }


def writer(file: Any, kind: Kind, *categories: str, **options: Any) -> Writer:
    """A writer of this draft and byte order whose output is the same every time."""
    fields = options.pop("fields", {})
    options.setdefault("new_uuid", numbered())
    return Writer(
        file,
        header(*categories, **fields),
        draft=DRAFTS[kind.version],
        byte_order="little" if kind.order == "<" else "big",
        clock=lambda: CLOCK,
        **options,
    )


LIVE = ("process_identity", "module_list")


def begin(out: Writer) -> uuid.UUID:
    """Block 0 and Block 1 of a live acquisition without modules; UUID of Block 1."""
    out.add_process_identity(block_uuid=uid(1))
    found = uid(7)
    out.add_module_list_index([], block_uuid=found)
    return found


def live(file: Any, kind: Kind, *categories: str, **options: Any) -> Writer:
    """A writer that stands behind Block 1."""
    out = writer(file, kind, *LIVE, *categories, **options)
    begin(out)
    return out


def independent_header(kind: Kind, cap_bitmap: int, **fields: Any) -> bytes:
    return wire.file_header(kind.order, version=kind.version, cap_bitmap=cap_bitmap, **fields)


def blocks_of(data: bytes) -> list[dict[str, Any]]:
    """The blocks as the independent decoder sees them."""
    document = decode.decode(data)
    assert document["trailing"] is None
    return document["blocks"]


class Forward(io.RawIOBase):
    """A pipe to write into: no seeking, no reading back."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


def memory_of(data: bytes) -> dict[int, bytes | str]:
    """Page by page, what the independent decoder finds: bytes, or the state's name."""
    found: dict[int, bytes | str] = {}
    document = decode.decode(data)
    for block in document["blocks"]:
        payload = block["payload"]
        if block["block_type"] != "memory_region" or "page_data" not in payload:
            continue
        at = int(block["offset"], 16)
        source = data
        if "compression" in block:
            stored = data[at + 80 : at + block["block_length"]]
            order = "<" if document["format"]["byte_order"] == "little" else ">"
            source, _ = decode.inflate(
                stored, {"zstd": 1, "lz4": 2}[block["compression"]["algorithm"]], order
            )
        position = int(payload["page_data"]["offset"], 16)
        size, base = 1 << payload["page_size_log2"], int(payload["base_addr"], 16)
        stop = position + payload["page_data"]["length"]
        for first, count, state in payload["page_state_map"]:
            for page in range(first, first + count):
                address = base + page * size
                assert address not in found, "a page stands in two blocks"
                if state != "captured":
                    found[address] = state
                    continue
                assert position + size <= stop, "less data than captured pages"
                found[address] = source[position : position + size]
                position += size
        assert position == stop, "more data than captured pages"
    return found
