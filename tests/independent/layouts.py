"""Reads the payloads that have a layout into canonical documents, field by field."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from . import names
from .blocks import ADDED
from .cursor import Cursor as Cursor
from .cursor import Damage as Damage
from .cursor import Document as Document
from .cursor import entries
from .layouts_tables import TABLES_11


def page_runs(raw: bytes, pages: int, states: tuple[str, ...]) -> Any:
    """Runs of equal page states; the map's unused bits too when one of them is set."""
    runs: list[list[Any]] = []
    last = -1
    for page in range(pages):
        # Page 0 is in the two most significant bits of byte 0.
        state = raw[page >> 2] >> (6 - 2 * (page & 3)) & 3
        if state == last:
            runs[-1][1] += 1
        else:
            runs.append([page, 1, states[state]])
            last = state
    tail = raw[pages // 4 :]
    used = 2 * (pages % 4)
    if tail and (tail[0] & (0xFF >> used) or any(tail[1:])):
        return {"runs": runs, "padding": tail.hex()}
    return runs


def _memory_region(c: Cursor, d: Document) -> None:
    d["base_addr"] = hex(c.u64("base_addr"))
    d["region_size"] = size = c.u64("region_size")
    d["protection"] = names.bits(c.u8("protection"), names.PROTECTION)
    d["region_type"] = names.enum(c.u8("region_type"), names.REGION_TYPE, 1)
    d["page_size_log2"] = log2 = c.u8("page_size_log2")
    d["reserved"] = c.take(5, "reserved").hex()
    d["timestamp"] = str(c.u64("timestamp"))
    if not 10 <= log2 <= 40:
        raise Damage(f"page_state_map: page_size_log2 {log2} is outside [10, 40]")
    pages = size >> log2
    raw = c.take(((pages + 3) // 4 + 7) // 8 * 8, "page_state_map")
    d["page_state_map"] = page_runs(raw, pages, names.STATES_11 if c.revised else names.STATES_10)
    # Whatever follows is page data, however many pages the map calls captured.
    d["page_data"] = {"offset": hex(c.base + c.pos), "length": c.left}
    c.pos = len(c.data)


def _module_entry(c: Cursor, d: Document) -> None:
    d["base_addr"] = hex(c.u64("base_addr"))
    d["module_size"] = c.u64("module_size")
    d["path_len"] = path_len = c.u16("path_len")
    d["version_len"] = version_len = c.u16("version_len")
    d["reserved"] = c.take(4, "reserved").hex()
    d["path"] = c.text(path_len, "path")
    d["version"] = c.text(version_len, "version")
    d["disk_hash"] = c.take(32, "disk_hash").hex()
    d["blob_len"] = blob_len = c.u32("blob_len")
    d["reserved2"] = c.take(4, "reserved2").hex()
    raw = c.take((blob_len + 7) // 8 * 8, "native_blob")
    blob = raw[:blob_len].hex()
    d["native_blob"] = {"bytes": blob, "raw": raw.hex()} if any(raw[blob_len:]) else blob


def _index_row(c: Cursor, d: Document) -> None:
    d["module_uuid"] = str(uuid.UUID(bytes=c.take(16, "module_uuid")))
    d["base_addr"] = hex(c.u64("base_addr"))
    d["module_size"] = c.u64("module_size")
    d["path_len"] = path_len = c.u16("path_len")
    d["reserved"] = c.take(2, "reserved").hex()
    d["reserved2"] = c.take(4, "reserved2").hex()
    d["path"] = c.text(path_len, "path")


def _module_list_index(c: Cursor, d: Document) -> None:
    d["entry_count"] = count = c.u32("entry_count")
    d["reserved"] = c.take(4, "reserved").hex()
    entries(c, d, "entries", count, _index_row)


def _process_identity(c: Cursor, d: Document) -> None:
    d["ppid"] = c.u32("ppid")
    d["session_id"] = c.u32("session_id")
    d["start_time"] = str(c.u64("start_time"))
    d["exe_path_len"] = exe_len = c.u16("exe_path_len")
    d["cmd_line_len"] = cmd_len = c.u16("cmd_line_len")
    d["reserved"] = c.take(4, "reserved").hex()
    d["exe_path"] = c.text(exe_len, "exe_path")
    d["cmd_line"] = c.text(cmd_len, "cmd_line")


def _related_dump(c: Cursor, d: Document) -> None:
    d["related_dump_uuid"] = str(uuid.UUID(bytes=c.take(16, "related_dump_uuid")))
    d["related_pid"] = c.u32("related_pid")
    d["relationship"] = names.enum(c.u16("relationship"), names.RELATIONSHIP, 2)
    d["reserved"] = c.take(2, "reserved").hex()
    if c.revised and c.left:
        d["target_hash"] = c.take(32, "target_hash").hex()


def _key_hint(c: Cursor, d: Document) -> None:
    key_types = names.KEY_TYPE_11 if c.revised else names.KEY_TYPE_10
    d["region_uuid"] = str(uuid.UUID(bytes=c.take(16, "region_uuid")))
    d["region_offset"] = hex(c.u64("region_offset"))
    d["key_len"] = c.u32("key_len")
    d["key_type"] = names.enum(c.u16("key_type"), key_types, 2)
    d["protocol"] = names.enum(c.u16("protocol"), names.PROTOCOL, 2)
    d["confidence"] = names.enum(c.u8("confidence"), names.CONFIDENCE, 1)
    d["key_state"] = names.enum(c.u8("key_state"), names.KEY_STATE, 1)
    d["reserved"] = c.take(2, "reserved").hex()
    d["note_len"] = note_len = c.u32("note_len")
    d["reserved2"] = c.take(4, "reserved2").hex()
    d["note"] = c.text(note_len, "note")


def _import_provenance(c: Cursor, d: Document) -> None:
    d["source_format"] = names.enum(c.u16("source_format"), names.SOURCE_FORMAT, 2)
    d["reserved"] = c.take(2, "reserved").hex()
    d["tool_name_len"] = tool_len = c.u32("tool_name_len")
    d["import_time"] = str(c.u64("import_time"))
    d["orig_file_size"] = c.u64("orig_file_size")
    d["note_len"] = note_len = c.u32("note_len")
    d["reserved2"] = c.take(4, "reserved2").hex()
    d["tool_name"] = c.text(tool_len, "tool_name")
    d["note"] = c.text(note_len, "note")


def _end_of_capture(c: Cursor, d: Document) -> None:
    d["file_hash"] = c.take(32, "file_hash").hex()
    d["acq_end"] = str(c.u64("acq_end"))
    if not c.revised:
        d["reserved"] = c.take(8, "reserved").hex()
    elif c.left:  # older producers stop here
        d["block_count"] = c.u32("block_count")
        d["reserved"] = c.take(4, "reserved").hex()


def _register(c: Cursor, d: Document) -> None:
    d["name_len"] = name_len = c.u8("name_len")
    d["width"] = width = c.u8("width")
    d["flags"] = names.bits(c.u16("flags"), names.REGISTER_FLAGS)
    d["reserved"] = c.take(4, "reserved").hex()
    d["name"] = c.text(name_len, "name")
    raw = c.take((width + 7) // 8 * 8, "value")
    stored = raw[:width]
    # The most significant byte comes first in print.
    value = "0x" + (stored[::-1] if c.order == "<" else stored).hex()
    d["value"] = {"value": value, "raw": raw.hex()} if any(raw[width:]) else value


def _thread_context(c: Cursor, d: Document) -> None:
    d["thread_id"] = c.u64("thread_id")
    d["start_time"] = str(c.u64("start_time"))
    d["flags"] = names.bits(c.u16("flags"), names.THREAD_FLAGS)
    d["thread_state"] = names.enum(c.u8("thread_state"), names.THREAD_STATE, 1)
    d["arch"] = c.u8("arch")
    d["reg_count"] = count = c.u32("reg_count")
    d["name_len"] = name_len = c.u16("name_len")
    d["reserved"] = c.take(6, "reserved").hex()
    d["thread_name"] = c.text(name_len, "thread_name")
    entries(c, d, "registers", count, _register)


def _vas_row(c: Cursor, d: Document) -> None:
    d["base_addr"] = hex(c.u64("base_addr"))
    d["region_size"] = c.u64("region_size")
    d["protection"] = names.bits(c.u8("protection"), names.PROTECTION)
    d["region_type"] = names.enum(c.u8("region_type"), names.REGION_TYPE, 1)
    d["path_len"] = path_len = c.u16("path_len")
    d["name_source"] = names.enum(c.u8("name_source"), names.NAME_SOURCE, 1)
    d["reserved"] = c.take(3, "reserved").hex()
    d["mapped_path"] = c.text(path_len, "mapped_path")


def _vas_map(c: Cursor, d: Document) -> None:
    d["count"] = count = c.u32("count")
    d["entry_size"] = entry_size = c.u32("entry_size")
    if entry_size:
        entries(c, d, "entries", count, lambda c, row: _sized_vas_row(c, row, entry_size))
    else:
        entries(c, d, "entries", count, _vas_row)


def _sized_vas_row(c: Cursor, d: Document, size: int) -> None:
    """A row that occupies ``size`` bytes, whatever its own fields need of them."""
    within = c.within(size, f"{size} bytes")
    _vas_row(within, d)
    if within.left:
        d["rest"] = within.rest()


def _end_of_extension(c: Cursor, d: Document) -> None:
    d["segment_hash"] = c.take(32, "segment_hash").hex()
    d["written_at"] = str(c.u64("written_at"))
    d["block_count"] = c.u32("block_count")
    d["reserved"] = c.take(4, "reserved").hex()
    d["producer_len"] = producer_len = c.u16("producer_len")
    d["reserved2"] = c.take(6, "reserved2").hex()
    d["producer"] = c.text(producer_len, "producer")


LAYOUTS_10: dict[int, Callable[[Cursor, Document], None]] = {
    0x0001: _memory_region,
    0x0002: _module_entry,
    0x0010: _module_list_index,
    0x0020: _key_hint,
    0x0030: _import_provenance,
    0x0040: _process_identity,
    0x0041: _related_dump,
    0x0FFF: _end_of_capture,
}
BLOCK_TYPE_11 = names.BLOCK_TYPE_11 | {one.code: one.key for one in ADDED}
LAYOUTS_11 = {
    **LAYOUTS_10,
    **{one.code: one.read for one in ADDED},
    **TABLES_11,
    0x0011: _thread_context,
    0x0FFE: _end_of_extension,
    0x1001: _vas_map,
}


def read_payload(block_type: int, cursor: Cursor) -> tuple[Document, str | None]:
    """The payload's document and, when it doesn't fit its layout, what is wrong."""
    layout = (LAYOUTS_11 if cursor.revised else LAYOUTS_10).get(block_type)
    if layout is None:
        raw = cursor.rest()
        return {"raw": raw}, None
    document: Document = {}
    try:
        layout(cursor, document)
    except Damage as damage:
        document["rest"] = cursor.rest()
        return document, str(damage)
    if cursor.left:
        document["rest"] = cursor.rest()
    return document, None
