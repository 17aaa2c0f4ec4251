"""Reads the tables of the revised draft: §5.9 to §5.11 and those of §6."""

from __future__ import annotations

from collections.abc import Callable

from . import names
from .cursor import Cursor, Document, entries

Reader = Callable[[Cursor, Document], None]


# -- §6 processes, connections ----------------------------------------------------------------


def _counted(key: str, rows: str, read: Reader) -> Reader:
    """A table that is a number of rows, a reserved word, and the rows."""

    def layout(c: Cursor, d: Document) -> None:
        d[key] = count = c.u32(key)
        d["reserved"] = c.take(4, "reserved").hex()
        entries(c, d, rows, count, read)

    return layout


def _process(c: Cursor, d: Document) -> None:
    d["pid"] = c.u32("pid")
    d["ppid"] = c.u32("ppid")
    d["uid"] = c.u32("uid")
    d["is_target"] = c.u8("is_target")
    d["reserved"] = c.take(3, "reserved").hex()
    d["start_time"] = str(c.u64("start_time"))
    d["rss"] = c.u64("rss")
    d["exe_len"] = exe_len = c.u16("exe_len")
    d["cmd_len"] = cmd_len = c.u16("cmd_len")
    d["user_len"] = user_len = c.u16("user_len")
    d["reserved2"] = c.take(2, "reserved2").hex()
    # Both producers end these with a NUL that the length counts, and pad to 8.
    d["exe"] = c.text(exe_len, "exe")
    d["cmd"] = c.text(cmd_len, "cmd")
    d["user"] = c.text(user_len, "user")


def _connection(c: Cursor, d: Document) -> None:
    d["pid"] = c.u32("pid")
    d["family"] = names.enum(c.u8("family"), names.FAMILY, 1)
    d["protocol"] = names.enum(c.u8("protocol"), names.TRANSPORT, 1)
    d["state"] = c.u8("state")
    d["reserved"] = c.take(1, "reserved").hex()
    d["local_addr"] = c.take(16, "local_addr").hex()
    d["local_port"] = c.u16("local_port")
    d["reserved2"] = c.take(2, "reserved2").hex()
    d["remote_addr"] = c.take(16, "remote_addr").hex()
    d["remote_port"] = c.u16("remote_port")
    d["reserved3"] = c.take(2, "reserved3").hex()


# -- §6 connectivity --------------------------------------------------------------------------


def _name(c: Cursor, d: Document, key: str) -> None:
    """A string behind its own length, packed."""
    d[f"{key}_len"] = length = c.u16(f"{key}_len")
    d[key] = c.plain_text(length, key, padding=False)


def _ipv4_route(c: Cursor, d: Document) -> None:
    _name(c, d, "iface")
    d["dest"] = c.take(4, "dest").hex()
    d["gateway"] = c.take(4, "gateway").hex()
    d["mask"] = c.take(4, "mask").hex()
    d["flags"] = c.u16("flags")
    d["metric"] = c.u32("metric")
    d["mtu"] = c.u32("mtu")


def _ipv6_route(c: Cursor, d: Document) -> None:
    _name(c, d, "iface")
    d["dest"] = c.take(16, "dest").hex()
    d["prefix"] = c.u8("prefix")
    d["next_hop"] = c.take(16, "next_hop").hex()
    d["metric"] = c.u32("metric")
    d["flags"] = c.u32("flags")


def _arp(c: Cursor, d: Document) -> None:
    d["family"] = names.enum(c.u8("family"), names.FAMILY, 1)
    d["ip"] = c.take(4, "ip").hex()
    d["hw_type"] = c.u16("hw_type")
    d["flags"] = c.u16("flags")
    d["hw_addr"] = c.take(6, "hw_addr").hex()
    _name(c, d, "iface")


def _packet_socket(c: Cursor, d: Document) -> None:
    d["pid"] = c.u32("pid")
    d["inode"] = c.u64("inode")
    d["proto"] = c.u16("proto")
    d["if_index"] = c.u32("if_index")
    d["user"] = c.u32("user")
    d["r_mem"] = c.u64("r_mem")


def _interface_counters(c: Cursor, d: Document) -> None:
    _name(c, d, "iface")
    for direction in ("rx", "tx"):
        for what in ("bytes", "packets", "errs", "drop"):
            key = f"{direction}_{what}"
            d[key] = c.u64(key)


def _socket_family(c: Cursor, d: Document) -> None:
    d["family"] = c.u8("family")
    d["in_use"] = c.u32("in_use")
    d["alloc"] = c.u32("alloc")
    d["mem"] = c.u64("mem")


def _mib_counter(c: Cursor, d: Document) -> None:
    _name(c, d, "mib")
    _name(c, d, "counter")
    d["value"] = c.u64("value")


_BODIES: dict[int, Reader] = {
    1: _ipv4_route,
    2: _ipv6_route,
    3: _arp,
    4: _packet_socket,
    5: _interface_counters,
    6: _socket_family,
    7: _mib_counter,
}


def _connectivity_row(c: Cursor, d: Document) -> None:
    row_type = c.u8("row_type")
    d["row_type"] = names.enum(row_type, names.ROW_TYPE, 1)
    d["row_len"] = row_len = c.u16("row_len")
    # The length is that of the body alone, without the three bytes in front of it.
    within = c.within(row_len, "body")
    body: Document = {}
    d["body"] = body
    read = _BODIES.get(row_type)
    if read is None:
        body["raw"] = within.rest()
        return
    read(within, body)
    if within.left:
        body["rest"] = within.rest()


# -- §5.9 to §5.11 ----------------------------------------------------------------------------


def _physical_range(c: Cursor, d: Document) -> None:
    d["start"] = hex(c.u64("start"))
    d["end_addr"] = hex(c.u64("end_addr"))
    d["label_len"] = label_len = c.u16("label_len")
    d["reserved"] = c.take(2, "reserved").hex()
    d["label"] = c.plain_text(label_len, "label", padding=False)


def _build_id(c: Cursor, d: Document) -> None:
    d["base_addr"] = hex(c.u64("base_addr"))
    d["build_id_len"] = c.u8("build_id_len")
    d["build_id_source"] = names.enum(c.u8("build_id_source"), names.BUILD_ID_SOURCE, 1)
    d["flags"] = names.bits(c.u8("flags"), names.BUILD_ID_FLAGS)
    d["reserved"] = c.take(1, "reserved").hex()
    # The field is as long as the longest identifier, whatever build_id_len says.
    d["build_id"] = c.take(20, "build_id").hex()
    d["disk_hash"] = c.take(32, "disk_hash").hex()


def _omitted(c: Cursor, d: Document) -> None:
    d["base_addr"] = hex(c.u64("base_addr"))
    d["region_size"] = c.u64("region_size")
    d["protection"] = names.bits(c.u8("protection"), names.PROTECTION)
    d["region_type"] = names.enum(c.u8("region_type"), names.REGION_TYPE, 1)
    d["reason"] = names.enum(c.u8("reason"), names.OMISSION_REASON, 1)
    d["reserved"] = c.take(1, "reserved").hex()
    d["name_len"] = name_len = c.u16("name_len")
    d["reserved2"] = c.take(2, "reserved2").hex()
    d["name"] = c.plain_text(name_len, "name")


def _region_omission_manifest(c: Cursor, d: Document) -> None:
    d["count"] = count = c.u32("count")
    d["reserved"] = c.take(4, "reserved").hex()
    d["scope_len"] = scope_len = c.u16("scope_len")
    d["patterns_len"] = patterns_len = c.u16("patterns_len")
    d["reserved2"] = c.take(4, "reserved2").hex()
    d["scope"] = c.plain_text(scope_len, "scope")
    d["patterns"] = c.plain_text(patterns_len, "patterns")
    entries(c, d, "entries", count, _omitted)


TABLES_11: dict[int, Reader] = {
    0x0051: _counted("entry_count", "entries", _process),
    0x0052: _counted("entry_count", "entries", _connection),
    0x0054: _counted("row_count", "rows", _connectivity_row),
    0x0059: _counted("count", "entries", _physical_range),
    0x005A: _counted("count", "entries", _build_id),
    0x005B: _region_omission_manifest,
}
