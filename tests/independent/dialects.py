"""Reads what dialects lay out otherwise than their draft: by hand, from what is known of each.

`in_dialect` takes the document that `decode` makes of a file as its draft has it, and puts in
what one dialect says instead. Early files, which no draft can read, have a decoder of their own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import lz4.block  # type: ignore[import-untyped]
import zstandard

from . import layouts, layouts_tables, names
from . import names_dialects as theirs
from .cursor import Cursor, Damage, Document, entries
from .decode import decode, inflate

Reader = Callable[[Cursor, Document], None]

CONTEXT_STRINGS = ("acq_user", "hostname", "domain", "os_detail", "case_ref")


def _context(c: Cursor, d: Document, wide: bool) -> None:
    d["boot_time"] = str(c.u64("boot_time"))
    d["target_count"] = c.u32("target_count") if wide else c.u8("target_count")
    d["table_bitmap"] = names.bits(c.u32("table_bitmap"), theirs.TABLE_BITMAP)
    lengths = []
    for key in CONTEXT_STRINGS:
        lengths.append(c.u16(f"{key}_len"))
        d[f"{key}_len"] = lengths[-1]
    d["reserved"] = c.take(6 if wide else 9, "reserved").hex()
    for key, length in zip(CONTEXT_STRINGS, lengths):
        d[key] = c.text(length, key)


def _packed_context(c: Cursor, d: Document) -> None:
    _context(c, d, wide=False)


def _aligned_context(c: Cursor, d: Document) -> None:
    _context(c, d, wide=True)
    if c.left:  # releases before 1.0
        d["uptime_ns"] = c.u64("uptime_ns")
        d["os_version_len"] = length = c.u16("os_version_len")
        d["reserved2"] = c.take(6, "reserved2").hex()
        d["os_version"] = c.text(length, "os_version")


def _padding(c: Cursor, d: Document) -> None:
    """At most 7 zeros up to the next block."""
    if c.left:
        raw = c.take(c.left, "padding")
        if len(raw) > 7 or any(raw):
            raise Damage("padding")
        d["padding"] = raw.hex()


def _padded(read: Reader) -> Reader:
    def layout(c: Cursor, d: Document) -> None:
        read(c, d)
        _padding(c, d)

    return layout


def _counted(read: Reader, count: str = "row_count", rows: str = "rows") -> Reader:
    def layout(c: Cursor, d: Document) -> None:
        d[count] = number = c.u32(count)
        d["reserved"] = c.take(4, "reserved").hex()
        entries(c, d, rows, number, read)

    return layout


# -- memslicer --------------------------------------------------------------------------------


def _handle(c: Cursor, d: Document) -> None:
    d["pid"] = c.u32("pid")
    d["fd"] = c.u32("fd")
    d["handle_type"] = names.enum(c.u8("handle_type"), theirs.MEMSLICER_HANDLE, 1)
    d["reserved"] = c.take(1, "reserved").hex()
    d["path_len"] = length = c.u16("path_len")
    d["reserved2"] = c.take(4, "reserved2").hex()
    d["path"] = c.text(length, "path")


def _value(c: Cursor, form: str) -> Any:
    if form == "text":
        raw = c.take(c.left, "value")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return {"text": raw.decode("utf-8", errors="replace"), "raw": raw.hex()}
    if form == "hash":
        return c.take(32, "value").hex()
    if form == "address":
        return hex(c.u64("value"))
    return {"1": c.u8, "4": c.u32, "8": c.u64}[form]("value")


def _tagged(tag_names: dict[int, str], forms: dict[int, str]) -> Reader:
    def row(c: Cursor, d: Document) -> None:
        tag = c.u16("tag")
        d["tag"] = names.enum(tag, tag_names, 2)
        d["value_len"] = length = c.u16("value_len")
        within = c.within(length, "value")
        if tag not in forms:
            d["value"] = {"raw": within.rest()}
            return
        d["value"] = {"value": _value(within, forms[tag])}
        if within.left:
            d["value"]["rest"] = within.rest()

    return row


def _forms(**tags: str) -> dict[int, str]:
    return {int(tag, 16): form for form, text in tags.items() for tag in text.split()}


_KERNEL_FORMS = {
    tag: {"u8": "1", "u32": "4", "u64": "8"}.get(form, form)
    for tag, form in _forms(
        u32="1",
        address="3 4",
        u8="5 6 10 15",
        hash="7 9 A",
        u64="8 B C D 11 12 13",
        text="E F 14",
    ).items()
}
_TARGET_FORMS = {
    tag: {"u8": "1", "u32": "4", "u64": "8"}.get(form, form)
    for tag, form in _forms(
        u32="1 2 3 A 13",
        u64="7 8 9 15 16 17 18",
        u8="10 11 12 1E",
        text="4 5 6 B C D E F 14 19 1A 1B 1C 1D 20",
    ).items()
}


def _persistence(c: Cursor, d: Document) -> None:
    d["found_in"] = names.enum(c.u8("source"), theirs.PERSISTENCE_SOURCE, 1)
    d["reserved"] = c.take(1, "reserved").hex()
    d["path_len"] = length = c.u16("path_len")
    d["path"] = c.plain_text(length, "path", padding=False)
    d["modified"] = str(c.u64("mtime"))
    d["file_size"] = c.u64("size")
    d["mode"] = c.u32("mode")


def _kernel_module(c: Cursor, d: Document) -> None:
    d["name_len"] = length = c.u16("name_len")
    d["name"] = c.plain_text(length, "name", padding=False)
    d["module_size"] = c.u64("size")
    d["ref_count"] = c.u32("refcount")
    d["state"] = c.u8("state")
    d["taint"] = c.u8("taint")
    d["base_addr"] = hex(c.u64("base"))
    d["flags"] = c.u8("flags")
    d["reserved"] = c.take(1, "reserved").hex()


def _introspection(c: Cursor, d: Document) -> None:
    d["target_pid"] = c.u32("target_pid")
    d["reserved"] = c.take(4, "reserved").hex()
    d["rows"] = rows = []
    row = _tagged(theirs.TARGET_TAG, _TARGET_FORMS)
    while c.left >= 8 or (c.left and any(c.data[c.pos :])):
        rows.append({})
        row(c, rows[-1])
    _padding(c, d)


MEMSLICER: dict[int, Reader] = {
    0x0020: _padded(layouts.LAYOUTS_11[0x0020]),
    0x0050: _packed_context,
    0x0053: _counted(_handle, "entry_count", "entries"),
    0x0054: _padded(layouts_tables.TABLES_11[0x0054]),
    0x0055: _padded(_counted(_tagged(theirs.KERNEL_TAG, _KERNEL_FORMS))),
    0x0056: _padded(_counted(_persistence)),
    0x0057: _padded(_counted(_kernel_module)),
    0x0058: _introspection,
    0x0059: _padded(layouts_tables.TABLES_11[0x0059]),
}


def _counted_end(c: Cursor, d: Document) -> None:
    d["file_hash"] = c.take(32, "file_hash").hex()
    d["acq_end"] = str(c.u64("acq_end"))
    d["block_count"] = c.u32("block_count")
    d["reserved"] = c.take(4, "reserved").hex()


MEMSLICER_1_0: dict[int, Reader] = {
    **MEMSLICER,
    0x0051: layouts_tables.TABLES_11[0x0051],
    0x0052: layouts_tables.TABLES_11[0x0052],
    0x005A: layouts_tables.TABLES_11[0x005A],
    0x0FFF: _counted_end,
}


# -- MemDiver -----------------------------------------------------------------------------------


def _name_with_nul(c: Cursor, d: Document, key: str) -> None:
    d[f"{key}_len"] = length = c.u16(f"{key}_len")
    raw = c.take(length, key)
    text, nul, behind = raw.partition(b"\0")
    if not length:
        d[key] = None
    elif nul and not behind:
        d[key] = text.decode()
    else:
        d[key] = {"text": text.decode(errors="replace"), "raw": raw.hex()}


def _body_with_nuls(row_type: int) -> Reader:
    read = layouts_tables._BODIES[row_type]

    def body(c: Cursor, d: Document) -> None:
        plain = layouts_tables._name
        layouts_tables._name = _name_with_nul
        try:
            read(c, d)
        finally:
            layouts_tables._name = plain

    return body


def _memdiver_row(c: Cursor, d: Document) -> None:
    row_type = c.u8("row_type")
    d["row_type"] = names.enum(row_type, names.ROW_TYPE, 1)
    d["row_len"] = length = c.u16("row_len")
    within = c.within(length, "body")
    d["body"] = body = {}
    if row_type not in layouts_tables._BODIES:
        body["raw"] = within.rest()
        return
    _body_with_nuls(row_type)(within, body)
    if within.left:
        body["rest"] = within.rest()


def _memdiver_handle(c: Cursor, d: Document) -> None:
    d["pid"] = c.u32("pid")
    d["fd"] = c.u32("fd")
    d["handle_type"] = names.enum(c.u16("handle_type"), theirs.MEMDIVER_HANDLE, 2)
    d["path_len"] = length = c.u16("path_len")
    d["reserved"] = c.take(4, "reserved").hex()
    d["path"] = c.text(length, "path")


def _module_until(*keys: str) -> Reader:
    """The first fields of a Module Entry."""

    def layout(c: Cursor, d: Document) -> None:
        d["base_addr"] = hex(c.u64("base_addr"))
        d["module_size"] = c.u64("module_size")
        d["path_len"] = path_len = c.u16("path_len")
        d["version_len"] = version_len = c.u16("version_len")
        d["reserved"] = c.take(4, "reserved").hex()
        d["path"] = c.text(path_len, "path")
        d["version"] = c.text(version_len, "version")
        if "disk_hash" in keys:
            d["disk_hash"] = c.take(32, "disk_hash").hex()

    return layout


def _provenance(c: Cursor, d: Document) -> None:
    layouts.LAYOUTS_11[0x0030](c, d)
    codes = names.SOURCE_FORMAT | theirs.MEMDIVER_SOURCE_FORMAT
    d["source_format"] = names.enum(struct.unpack_from("<H", c.data)[0], codes, 2)
    if c.left:
        d["source_hash"] = c.take(32, "source_hash").hex()


def _related(c: Cursor, d: Document) -> None:
    layouts.LAYOUTS_11[0x0041](c, d)
    codes = names.RELATIONSHIP | theirs.MEMDIVER_RELATIONSHIP
    d["relationship"] = names.enum(struct.unpack_from("<H", c.data, 20)[0], codes, 2)


def _graph_node(c: Cursor, d: Document) -> None:
    d["kind"] = names.enum(c.u8("kind"), theirs.NODE_KIND, 1)
    d["reserved"] = c.take(1, "reserved").hex()
    d["label_len"] = length = c.u16("label_len")
    d["value"] = hex(c.u64("value"))
    d["label"] = c.text(length, "label")


def _graph_edge(c: Cursor, d: Document) -> None:
    d["src"] = c.u32("src")
    d["dst"] = c.u32("dst")
    d["kind"] = names.enum(c.u8("kind"), theirs.EDGE_KIND, 1)
    d["reserved"] = c.take(1, "reserved").hex()
    d["metadata_len"] = length = c.u16("metadata_len")
    d["metadata"] = c.text(length, "metadata")


def _graph(c: Cursor, d: Document) -> None:
    d["node_count"] = nodes = c.u32("node_count")
    d["edge_count"] = edges = c.u32("edge_count")
    d["flags"] = names.bits(c.u32("flags"), theirs.GRAPH_FLAGS)
    d["reserved"] = c.take(4, "reserved").hex()
    entries(c, d, "nodes", nodes, _graph_node)
    entries(c, d, "edges", edges, _graph_edge)
    if c.left:
        d["integrity_hash"] = c.take(32, "integrity_hash").hex()


MEMDIVER: dict[int, Reader] = {
    0x0002: _module_until("disk_hash"),
    0x0030: _provenance,
    0x0041: _related,
    0x0050: _aligned_context,
    0x0053: _counted(_memdiver_handle, "entry_count", "entries"),
    0x0055: _counted(_memdiver_row),
    0x1003: _graph,
}

RADARE2: dict[int, Reader] = {0x0002: _module_until()}

LATER: dict[int, Reader] = {code: layouts.LAYOUTS_11[code] for code in (0x0011, 0x1001)}


# -- whole files --------------------------------------------------------------------------------

DIALECTS: dict[str, tuple[dict[int, Reader], dict[int, str], dict[int, str]]] = {
    "layouts-2026-10": (LATER, {}, {}),
    "memslicer-0.2": (MEMSLICER_1_0, theirs.MEMSLICER_BLOCK, {}),
    "memslicer-0.5": (MEMSLICER, theirs.MEMSLICER_BLOCK, {}),
    "memdiver-1.0": (MEMDIVER, theirs.MEMDIVER_BLOCK, theirs.MEMDIVER_CAPABILITY),
    "radare2": (RADARE2, {}, {}),
}
"""Of each dialect the layouts that differ, and what it calls block types and bits of CapBitmap."""


def in_dialect(data: bytes, document: Document, dialect: str) -> Document:
    """A file's document with the blocks of its capture as a dialect has them.

    What the document says of who wrote the file, and in its segments, is left as it is.
    """
    readers, block_names, capabilities = DIALECTS[dialect]
    revised = document["format"]["draft"] == "draft-2026-10"
    found = {**document, "format": {**document["format"], "dialect": dialect}}
    if dialect == "memslicer-0.2":
        found["header"] = _later_header(data, document["header"])
    if capabilities:
        bits = struct.unpack_from("<Q", data, 0x10)[0]
        cap_bitmap = names.bits(bits, names.CAP_BITMAP_11 | capabilities)
        found["header"] = {**document["header"], "cap_bitmap": cap_bitmap}
    types = layouts.BLOCK_TYPE_11 if revised or dialect.startswith("memslicer") else {}
    types = (types or names.BLOCK_TYPE_10) | block_names
    order = "<" if document["format"]["byte_order"] == "little" else ">"
    read = (readers, types, order)
    found["blocks"] = [block_in(data, block, *read) for block in document["blocks"]]
    return found


def block_in(
    data: bytes, block: Document, readers: dict[int, Reader], types: dict[int, str], order: str
) -> Document:
    """One block as a dialect has it."""
    at = int(block["offset"], 16)
    code, flags = struct.unpack_from(order + "HH", data, at + 4)
    found = {**block, "block_type": names.enum(code, types, 2)}
    if code not in readers or block["payload_version"] != 1:
        return found
    stored = data[at + 80 : at + block["block_length"]]
    cursor = Cursor(memoryview(stored), order, at + 80, True)
    found.pop("damage", None)
    payload: Document = {}
    found.pop("payload")
    if flags & 1:
        inflated, algorithm = inflate(stored, flags >> 1 & 3, order)
        cursor = Cursor(memoryview(inflated), order, 0, True)
        found["compression"] = {"algorithm": algorithm, "uncompressed_size": len(inflated)}
    try:
        readers[code](cursor, payload)
    except Damage as damage:
        found["damage"] = str(damage)
    if cursor.left or "damage" in found:
        payload["rest"] = cursor.rest()
    found["payload"] = payload
    return found


def _later_header(data: bytes, header: Document) -> Document:
    """The header of a file that says 1.0 and has the fields and bits of 1.1."""
    found = {key: value for key, value in header.items() if key not in ("reserved", "extension")}
    flags, bits = struct.unpack_from("<IQ", data, 0x0C)
    found["flags"] = names.bits(flags, names.HEADER_FLAGS_11)
    found["cap_bitmap"] = names.bits(bits, names.CAP_BITMAP_11)
    found["block_count"] = struct.unpack_from("<I", data, 0x39)[0]
    found["hash_algo"] = names.enum(data[0x3D], names.HASH_ALGO, 1)
    found["reserved"] = data[0x3E:0x40].hex()
    if "extension" in header:
        found["extension"] = header["extension"]
    return found


# -- early: no draft reads it ---------------------------------------------------------------------


def _early_text(c: Cursor, length: int, key: str) -> Any:
    """A string whose length counts its padding."""
    if not length:
        return None
    raw = c.take(length, key)
    text, nul, behind = raw.partition(b"\0")
    if nul and not any(behind) and length == (len(text) + 8) // 8 * 8:
        return text.decode()
    return {"text": text.decode(errors="replace"), "raw": raw.hex()}


def _early_region(c: Cursor, d: Document) -> None:
    d["base_addr"] = hex(c.u64("base_addr"))
    d["region_size"] = c.u64("region_size")
    d["protection"] = names.bits(c.u8("protection"), names.PROTECTION)
    d["region_type"] = names.enum(c.u8("region_type"), names.REGION_TYPE, 1)
    d["page_size"] = page_size = c.u16("page_size")
    d["num_pages"] = pages = c.u32("num_pages")
    d["timestamp"] = str(c.u64("timestamp"))
    raw = c.take(((pages + 3) // 4 + 7) // 8 * 8, "page_state_map")
    d["page_state_map"] = layouts.page_runs(raw, pages, names.STATES_10)
    captured = sum(count for _, count, state in d["page_state_map"] if state == "captured")
    stored = bytes(c.data[c.pos :])
    data: Document = {"offset": hex(c.base + c.pos), "length": c.left}
    if len(stored) != captured * page_size:
        zstd = stored[:4] == bytes.fromhex("28b52ffd")
        data |= {"codec": "zstd" if zstd else "lz4", "inflated_size": captured * page_size}
    d["page_data"] = data
    c.pos = len(c.data)


def _early_module(c: Cursor, d: Document) -> None:
    d["base_addr"] = hex(c.u64("base_addr"))
    d["module_size"] = c.u64("module_size")
    d["path_len"] = path_len = c.u16("path_len")
    d["version_len"] = version_len = c.u16("version_len")
    d["reserved"] = c.take(4, "reserved").hex()
    d["path"] = _early_text(c, path_len, "path")
    d["version"] = _early_text(c, version_len, "version")
    d["disk_hash"] = c.take(32, "disk_hash").hex()
    d["blob_len"] = blob_len = c.u32("blob_len")
    d["reserved2"] = c.take(4, "reserved2").hex()
    d["native_blob"] = c.take(blob_len, "native_blob").hex()
    _padding(c, d)


def _early_index(c: Cursor, d: Document) -> None:
    d["entry_count"] = c.u32("entry_count")
    d["reserved"] = c.take(4, "reserved").hex()


EARLY: dict[int, Reader] = {
    0x0001: _early_region,
    0x0002: _early_module,
    0x0010: _early_index,
    0x0FFF: layouts.LAYOUTS_10[0x0FFF],
}


def decode_early(data: bytes, name: str) -> Document:
    """The document of a whole early file: made from the draft's, after two bytes are turned."""
    turned = data[:10] + data[11:12] + data[10:11] + data[12:]
    if data[10:12] == b"\1\1":
        turned = data[:10] + b"\0\1" + data[12:]
    found = decode(turned, name)
    found["format"] |= {"dialect": "early"}
    found["header"]["version"] = f"0x{data[10]:02x}{data[11]:02x}"
    blocks = []
    for block in found["blocks"]:
        at = int(block["offset"], 16)
        code, flags = struct.unpack_from("<HH", data, at + 4)
        cursor = Cursor(memoryview(data)[at + 80 : at + block["block_length"]], "<", at + 80, False)
        payload: Document = {}
        EARLY[code](cursor, payload)
        assert not cursor.left
        early_flags = names.bits(flags, {0: "has_children"})
        blocks.append({**block, "flags": early_flags, "payload": payload})
    found["blocks"] = blocks
    return found


def early_pages(region: Document, data: bytes) -> bytes:
    """The captured pages of a region of an early file's document."""
    about = region["page_data"]
    start = int(about["offset"], 16)
    stored = data[start : start + about["length"]]
    if "codec" not in about:
        return stored
    size = about["inflated_size"]
    if about["codec"] == "zstd":
        return zstandard.ZstdDecompressor().decompress(stored, max_output_size=size)
    for behind in range(8):
        try:
            return bytes(lz4.block.decompress(stored[4 : len(stored) - behind], size))
        except lz4.block.LZ4BlockError:
            continue
    raise AssertionError("no LZ4 block")
