"""The payload of every block type with a layout, one function each (drafts §4.5, §4.6, §5)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from .basics import CAPTURED, ZERO_HASH, Str, pad8, text, uuid4


def page_map(states: Sequence[int]) -> bytes:
    """Two bits a page, the first page in the most significant ones, padded to 8 bytes."""
    out = bytearray(pad8((len(states) + 3) // 4))
    for page, state in enumerate(states):
        out[page // 4] |= state << (6 - 2 * (page % 4))
    return bytes(out)


def page_bytes(states: Sequence[int], page_size: int) -> bytes:
    """Data for the captured pages; each is filled with its own number."""
    return b"".join(
        bytes([page & 0xFF]) * page_size for page, state in enumerate(states) if state == CAPTURED
    )


def memory_region(
    order: str,
    states: Sequence[int] = (),
    *,
    base_addr: int = 0x7F00_0000_0000,
    region_size: int | None = None,
    protection: int = 3,
    region_type: int = 1,
    page_size_log2: int = 12,
    reserved: bytes = bytes(5),
    timestamp: int = 1_773_528_836_200_000_000,
    page_state_map: bytes | None = None,
    page_data: bytes | None = None,
) -> bytes:
    if region_size is None:
        region_size = len(states) << page_size_log2
    out = struct.pack(
        order + "QQBBB", base_addr, region_size, protection, region_type, page_size_log2
    )
    out += reserved + struct.pack(order + "Q", timestamp)  # +0x13, +0x18
    out += page_map(states) if page_state_map is None else page_state_map  # +0x20
    return out + (page_bytes(states, 1 << page_size_log2) if page_data is None else page_data)


def module_entry(
    order: str,
    *,
    base_addr: int = 0x5555_5555_4000,
    module_size: int = 0x2000,
    path: Str = "/usr/bin/sleep",
    version: Str = None,
    reserved: int = 0,
    disk_hash: bytes = ZERO_HASH,
    native_blob: bytes = b"",
    blob_len: int | None = None,
    reserved2: int = 0,
    blob_padding: bytes | None = None,
) -> bytes:
    path_len, path_raw = text(path)
    version_len, version_raw = text(version)
    out = struct.pack(order + "QQHHI", base_addr, module_size, path_len, version_len, reserved)
    out += path_raw + version_raw + disk_hash  # +0x18
    out += struct.pack(order + "II", len(native_blob) if blob_len is None else blob_len, reserved2)
    pad = bytes(-len(native_blob) % 8) if blob_padding is None else blob_padding
    return out + native_blob + pad


def index_entry(
    order: str,
    *,
    module_uuid: bytes | None = None,
    base_addr: int = 0x5555_5555_4000,
    module_size: int = 0x2000,
    path: Str = "/usr/bin/sleep",
    reserved: int = 0,
    reserved2: int = 0,
) -> bytes:
    """One row of a Module List Index."""
    path_len, raw = text(path)
    out = uuid4(2) if module_uuid is None else module_uuid
    out += struct.pack(order + "QQHHI", base_addr, module_size, path_len, reserved, reserved2)
    return out + raw


def module_list_index(
    order: str, entries: Iterable[bytes] = (), *, entry_count: int | None = None, reserved: int = 0
) -> bytes:
    """``entries`` come from :func:`index_entry`."""
    rows = list(entries)
    count = len(rows) if entry_count is None else entry_count
    return struct.pack(order + "II", count, reserved) + b"".join(rows)


def process_identity(
    order: str,
    *,
    ppid: int = 1,
    session_id: int = 1,
    start_time: int = 1_773_528_000_000_000_000,
    exe_path: Str = "/usr/bin/sleep",
    cmd_line: Str = "sleep 1000",
    reserved: int = 0,
) -> bytes:
    exe_len, exe = text(exe_path)
    cmd_len, cmd = text(cmd_line)
    out = struct.pack(order + "IIQHHI", ppid, session_id, start_time, exe_len, cmd_len, reserved)
    return out + exe + cmd  # +0x18


def related_dump(
    order: str,
    *,
    related_dump_uuid: bytes | None = None,
    related_pid: int = 77,
    relationship: int = 1,
    reserved: int = 0,
    target_hash: bytes | None = None,
) -> bytes:
    """24 bytes; 56 with the 1.1 ``target_hash``."""
    out = uuid4(3) if related_dump_uuid is None else related_dump_uuid
    out += struct.pack(order + "IHH", related_pid, relationship, reserved)
    return out + (b"" if target_hash is None else target_hash)


def key_hint(
    order: str,
    *,
    region_uuid: bytes | None = None,
    region_offset: int = 0x40,
    key_len: int = 32,
    key_type: int = 3,
    protocol: int = 2,
    confidence: int = 1,
    key_state: int = 1,
    reserved: int = 0,
    note: Str = "client write key",
    reserved2: int = 0,
) -> bytes:
    note_len, raw = text(note)
    out = uuid4(4) if region_uuid is None else region_uuid
    out += struct.pack(order + "QIHH", region_offset, key_len, key_type, protocol)  # +0x10
    out += struct.pack(order + "BBHII", confidence, key_state, reserved, note_len, reserved2)
    return out + raw  # +0x2C


def import_provenance(
    order: str,
    *,
    source_format: int = 2,
    reserved: int = 0,
    tool_name: Str = "importer 1",
    import_time: int = 1_773_529_000_000_000_000,
    orig_file_size: int = 221184,
    note: Str = None,
    reserved2: int = 0,
) -> bytes:
    tool_len, tool = text(tool_name)
    note_len, note_raw = text(note)
    out = struct.pack(
        order + "HHIQQII",
        source_format,
        reserved,
        tool_len,
        import_time,
        orig_file_size,
        note_len,
        reserved2,
    )
    return out + tool + note_raw  # +0x20


def end_of_capture(
    order: str,
    *,
    file_hash: bytes = ZERO_HASH,
    acq_end: int = 1_773_528_837_000_000_000,
    reserved: bytes | None = None,
    block_count: int | None = None,
    short: bool = False,
) -> bytes:
    """48 bytes, with a count when one is given (1.1); ``short`` stops behind AcqEnd (40 bytes)."""
    out = file_hash + struct.pack(order + "Q", acq_end)
    if short:
        return out
    if block_count is None:
        return out + (bytes(8) if reserved is None else reserved)
    return out + struct.pack(order + "I", block_count) + (reserved or bytes(4))


def register(
    order: str,
    name: Str = "rip",
    value: int | bytes = 0,
    *,
    width: int = 8,
    flags: int = 0,
    reserved: int = 0,
    value_padding: bytes | None = None,
) -> bytes:
    """One register of a Thread Context; an integer value is stored in file order."""
    name_len, raw = text(name)
    if isinstance(value, int):
        value = value.to_bytes(width, "little" if order == "<" else "big")
    pad = bytes(-len(value) % 8) if value_padding is None else value_padding
    return struct.pack(order + "BBHI", name_len, width, flags, reserved) + raw + value + pad


def thread_context(
    order: str,
    registers: Iterable[bytes] = (),
    *,
    thread_id: int = 4242,
    start_time: int = 0,
    flags: int = 1,
    thread_state: int = 3,
    arch: int = 0,
    reg_count: int | None = None,
    reserved: bytes = bytes(6),
    thread_name: Str = "main",
) -> bytes:
    """``registers`` come from :func:`register`."""
    rows = list(registers)
    name_len, raw = text(thread_name)
    count = len(rows) if reg_count is None else reg_count
    out = struct.pack(
        order + "QQHBBIH", thread_id, start_time, flags, thread_state, arch, count, name_len
    )
    return out + reserved + raw + b"".join(rows)  # name at +0x20


def vas_entry(
    order: str,
    *,
    base_addr: int = 0x7F00_0000_0000,
    region_size: int = 0x1000,
    protection: int = 1,
    region_type: int = 3,
    name_source: int = 1,
    reserved: bytes = bytes(3),
    mapped_path: Str = "/usr/bin/sleep",
) -> bytes:
    path_len, raw = text(mapped_path)
    out = struct.pack(
        order + "QQBBHB", base_addr, region_size, protection, region_type, path_len, name_source
    )
    return out + reserved + raw  # path at +0x18 of the entry


def vas_map(
    order: str, entries: Iterable[bytes] = (), *, count: int | None = None, entry_size: int = 0
) -> bytes:
    """``entries`` come from :func:`vas_entry`."""
    rows = list(entries)
    number = len(rows) if count is None else count
    return struct.pack(order + "II", number, entry_size) + b"".join(rows)


def end_of_extension(
    order: str,
    *,
    segment_hash: bytes = ZERO_HASH,
    written_at: int = 1_773_530_000_000_000_000,
    block_count: int = 1,
    reserved: int = 0,
    reserved2: bytes = bytes(6),
    producer: Str = "appender 1",
) -> bytes:
    length, raw = text(producer)
    out = segment_hash + struct.pack(order + "QIIH", written_at, block_count, reserved, length)
    return out + reserved2 + raw  # producer at +0x38


def opaque(size: int, first: int = 0) -> bytes:
    """Payload bytes without meaning."""
    return bytes((first + i) & 0xFF for i in range(size))
