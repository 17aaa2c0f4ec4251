"""Blocks and regions of open files: types, versions, damage, fragments, whole galleries."""

from __future__ import annotations

from typing import Any

import pytest
from independent import gallery, wire
from independent.specimens import KINDS, LE10, Kind, capture, finish, one, start

from msl_construct.document import Renderer
from msl_construct.errors import DialectError, EncryptedError, HeaderError
from msl_construct.reader import Dump, open_dump

kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
PAGE = 1024


# -- blocks ----------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize(
    ("block_type", "key"),
    [(0x2345, "0x2345"), (0xFFFF, "0xffff"), (0x0012, "file_descriptor")],
)
def test_types_without_a_layout(kind: Kind, block_type: int, key: str) -> None:
    dump = open_dump(one(kind, block_type, wire.opaque(300)))
    block = dump.blocks[0]
    assert (block.key, block.problem) == (key, None)
    assert bytes(block.payload["raw"]) == wire.opaque(300)
    assert (block.type is None) == key.startswith("0x")


@kinds
@pytest.mark.parametrize("version", [0, 2, 0xFFFF])
def test_other_payload_versions_are_not_decoded(kind: Kind, version: int) -> None:
    body = wire.related_dump(kind.order)
    builder = capture(kind, end=False)
    builder.add(wire.RELATED_DUMP, body, payload_version=version)
    builder.add(wire.MEMORY_REGION, wire.memory_region(kind.order, (0,)), payload_version=version)
    dump = open_dump(finish(builder, kind))
    assert bytes(dump.blocks[5].payload["raw"]) == body
    assert len(dump.regions) == 2


@kinds
def test_blocks_are_a_lazy_sequence(kind: Kind) -> None:
    dump = open_dump(capture(kind).data())
    assert len(dump.blocks) == 6
    assert [b.index for b in dump.blocks] == list(range(6))
    assert dump.blocks[-1].key == "end_of_capture"
    assert [b.key for b in dump.blocks[3:5]] == ["memory_region", "memory_region"]
    with pytest.raises(IndexError):
        _ = dump.blocks[6]
    found = [b.index for b in dump.blocks.of_type("memory_region", "module_entry")]
    assert found == [2, 3, 4]
    assert list(dump.blocks.of_type("key_hint")) == []
    with pytest.raises(KeyError):
        dump.blocks.of_type("no_such_type")
    assert dump.modules[0]["path"] == "/usr/bin/sleep"
    assert dump.end_of_capture is not None
    assert dump.complete


def test_opening_touches_no_payload() -> None:
    builder = start(LE10)
    builder.add(wire.PROCESS_IDENTITY, b"\xff" * 20000)
    builder.add(wire.MEMORY_REGION, b"\xff" * 100_000)
    data = finish(builder, LE10)
    read: list[bytes] = []

    class Watched:
        size = len(data)

        def read(self, offset: int, length: int) -> bytes:
            read.append(data[offset : offset + length])
            return read[-1]

        def view(self, offset: int, length: int) -> memoryview:
            raise AssertionError("page data was asked for")

        def forget(self, before: int) -> None: ...

    dump = Dump(Watched())
    assert len(dump.blocks) == 3
    assert sum(map(len, read)) < 1000


def test_a_damaged_payload_says_where() -> None:
    body = wire.module_list_index("<", [wire.index_entry("<")] * 2, entry_count=3)
    block = open_dump(one(LE10, wire.MODULE_LIST_INDEX, body)).blocks[0]
    end = 64 + 80 + len(body)
    assert block.problem == (
        f"block 0 (module_list_index) at 0x40: payload entries[2].module_uuid at {end:#x}: "
        "expected 16 bytes, found 0 before the end"
    )
    assert len(block.payload["entries"]) == 2


def test_encrypted_files_show_their_header_only() -> None:
    header = wire.file_header("<", version=wire.V11, header_size=128, flags=4,
                              extension=wire.encryption_extension("<"))  # fmt: skip
    dump = open_dump(header + b"\x99" * 500)
    assert dump.header.encrypted
    assert len(dump.blocks) == 0
    assert (dump.ending.kind, dump.ending.offset) == ("encrypted", 128)
    with pytest.raises(EncryptedError, match="0x80"):
        dump.verify()


# -- fragments -------------------------------------------------------------------------------


def fragments(order: list[int], parent: bytes | None = None) -> Dump:
    """Three fragments of a region, stored in this order; 0 is the first one."""
    builder = start(LE10)
    first = wire.uuid4(900)
    for number in order:
        body = wire.memory_region(
            "<", (0, 1), base_addr=0x10000 + number * 2 * PAGE, page_size_log2=10,
            page_data=bytes([65 + number]) * PAGE,
        )  # fmt: skip
        more: dict[str, Any] = {"flags": wire.HAS_CHILDREN, "block_uuid": first}
        if number:
            more = {"flags": wire.CONTINUATION, "parent_uuid": parent or first}
        builder.add(wire.MEMORY_REGION, body, **more)
    return open_dump(finish(builder, LE10))


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 2, 1], [2, 1, 0], [1, 0, 2]])
def test_fragments_are_put_together(order: list[int]) -> None:
    (region,) = fragments(order).regions
    assert [f.base for f in region.fragments] == [0x10000, 0x10800, 0x11000]
    assert (region.base_addr, region.region_size, region.orphan) == (0x10000, 6 * PAGE, False)
    assert bytes(region.page_data) == b"A" * PAGE + b"B" * PAGE + b"C" * PAGE
    assert list(region.runs()) == [
        (0, 1, "captured"), (1, 1, "failed"), (2, 1, "captured"), (3, 1, "failed"),
        (4, 1, "captured"), (5, 1, "failed"),
    ]  # fmt: skip
    assert (region.counts["captured"], region.counts["failed"]) == (3, 3)


def test_a_region_is_named_by_its_first_block() -> None:
    """Continuations name the parent's BlockUUID, and so do Key Hints."""
    for order in ([0, 1, 2], [2, 1, 0]):
        (region,) = fragments(order).regions
        assert region.uuid.bytes == wire.uuid4(900), order


@pytest.mark.parametrize("order", [[1, 2], [2, 1], [0, 1, 2]])
def test_orphans_are_kept(order: list[int]) -> None:
    dump = fragments(order, parent=wire.uuid4(901))
    orphans = [r for r in dump.regions if r.orphan]
    assert [[f.base for f in r.fragments] for r in orphans] == [[0x10800, 0x11000]]
    assert len(dump.regions) == (2 if 0 in order else 1)
    assert bytes(dump.memory.read(0x11000, PAGE)) == b"C" * PAGE


# -- the whole gallery -----------------------------------------------------------------------


def without_texts(document: Any) -> Any:
    """The document with the damage, which is prose, reduced to whether there is some."""
    if isinstance(document, dict):
        return {k: True if k == "damage" else without_texts(v) for k, v in document.items()}
    if isinstance(document, list):
        return [without_texts(inner) for inner in document]
    return document


def test_the_gallery_reads_as_an_independent_decoder_reads_it() -> None:
    from independent.decode import decode

    renderer = Renderer()
    different = []
    for name, data in gallery.files():
        found = renderer.document(open_dump(data, dialect="none"))
        expected = decode(data, name)
        found["file"].pop("name"), expected["file"].pop("name")
        if without_texts(found) != without_texts(expected):
            different.append(name)
    assert different == []


def test_foreign_files_open_or_are_refused_by_name(samples: Any) -> None:
    files = sorted(samples.glob("*/*.msl"))
    assert files
    for path in files:
        try:
            with open_dump(path) as dump:
                assert dump.name == path.name
                for block in dump.blocks:
                    _ = block.payload, block.problem
        except (DialectError, EncryptedError):
            assert path.parent.name == "early" or "big-endian" in path.name, path
    for path in sorted(samples.glob("foreign/*")):
        with pytest.raises(HeaderError):
            open_dump(path)
