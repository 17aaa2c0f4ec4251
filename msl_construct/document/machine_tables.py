"""Tables of the machine (§6): its networks, its kernel, what starts by itself, and the target.

Blocks of memslicer, and one that it and MemDiver lay out otherwise: see `drafts.dialects`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..reader.block import Block
from ..schema.choice import Body
from ..schema.codes import Name
from ..schema.raw import raw_to_document
from ..schema.vocabulary import DocumentOptions
from ..source import Extent
from . import readable
from .investigation_tables import name_of
from .table import DocumentTable, Header, Row, dialect_of, entries_of, of_blocks

__all__ = ["MACHINE", "connectivity_rows", "introspection_rows", "kernel_module_rows"]

_OPTIONS = DocumentOptions()

_ROUTE = ("metric", "mtu")
_SOCKET = ("inode", "proto", "proto_name", "if_index", "user", "r_mem")
_COUNTERS = (
    "rx_bytes",
    "rx_packets",
    "rx_errs",
    "rx_drop",
    "tx_bytes",
    "tx_packets",
    "tx_errs",
    "tx_drop",
)
_USAGE = ("in_use", "alloc", "mem")
_MIB = ("mib", "counter", "value")
_STORED = ("dest", "mask", "prefix", "gateway", "next_hop", "ip", "hw_addr")
_CONNECTIVITY = (
    "block",
    "row_type",
    "iface",
    "family",
    "address",
    "via",
    "hardware",
    "flags",
    "flag_names",
    *_ROUTE,
    "hw_type",
    "pid",
    "is_target",
    *_SOCKET,
    *_COUNTERS,
    *_USAGE,
    *_MIB,
    *_STORED,
    "raw",
)


def connectivity_rows(blocks: Iterable[Block], header: Header) -> Iterator[Row]:
    """Rows of the Connectivity Table, in whichever form; what a row has not is None."""
    for block in blocks:
        dialect = dialect_of(block)
        sections = {} if dialect is None else dialect.socket_sections
        for entry in entries_of(block, "rows"):
            body = entry["body"]
            row: Row = {**dict.fromkeys(_CONNECTIVITY), "block": block.index}
            row["row_type"] = entry["row_type"].name
            if not isinstance(body, Body):
                yield {**row, "raw": _raw(body)}
                continue
            for key in _CONNECTIVITY:
                if key in body:
                    value = body[key]
                    row[key] = value.hex() if isinstance(value, bytes) else value
            yield {**row, **_written(body, header, sections)}


_FAMILIES = {readable.IPV4: "ipv4", readable.IPV6: "ipv6", **readable.FAMILIES}


def _written(body: Mapping[str, Any], header: Header, sections: Mapping[int, str]) -> Row:
    """What the numbers and bytes of a row mean."""
    row: Row = {}
    if "in_use" in body:
        family = body["family"]
        row["family"] = Name((sections or _FAMILIES).get(family, f"{family:#04x}"))
    elif "family" in body:
        row["family"] = name_of(body["family"], readable.FAMILIES)
    if "dest" in body:
        row["family"] = Name("ipv4" if "mask" in body else "ipv6")
        row["address"] = readable.network(body["dest"], body.get("mask", body.get("prefix")))
        hop = body["gateway"] if "gateway" in body else body["next_hop"]
        kind = readable.IPV4 if len(hop) == 4 else readable.IPV6
        row["via"] = readable.ip_address(hop, kind) if any(hop) else None
        row["flag_names"] = readable.bit_names(body["flags"], readable.ROUTE_FLAGS)
    elif "ip" in body:
        row["address"] = readable.ip_address(body["ip"], readable.IPV4)
        row["hardware"] = readable.hardware_address(body["hw_addr"])
        row["flag_names"] = readable.bit_names(body["flags"], readable.ARP_FLAGS)
    elif "inode" in body:
        row["is_target"] = int(bool(body["pid"]) and body["pid"] == header["pid"])
        row["proto_name"] = readable.ETHERTYPES.get(body["proto"])
    return row


def _raw(value: Any) -> Any:
    return raw_to_document(value, _OPTIONS) if isinstance(value, Extent) else None


_FACT = ("fact", "value", "text")


def _fact(entry: Mapping[str, Any]) -> Row:
    """A row of tag, length and value: the value as the document shows it, and in words."""
    tag, body = entry["tag"], entry["value"]
    if isinstance(body, Body):
        value = body.layout.to_document(body, _OPTIONS)["value"]
    else:
        value = _raw(body)
    text = _in_words(tag.name, body, value)
    value = str(value) if tag.name.startswith(_CLOCKS) else value  # as times are, everywhere
    return {"fact": tag.name, "value": value, "text": text}


_CLOCKS = ("clock_realtime", "clock_monotonic", "clock_boottime")
_SWITCHES = (
    "core_dumping",
    "exe_comm_mismatch",
    "ksm_active",
    "la57_enabled",
    "no_new_privs",
    "pti_active",
    "zswap_enabled",
)
_SECCOMP = ("disabled", "strict", "filter")


def _in_words(fact: str, body: Any, value: Any) -> str | None:
    """A value as people write it; None where it says all by itself."""
    if isinstance(body, Extent):
        return _lines(body)
    if not isinstance(value, int):
        return None
    if fact in _SWITCHES:
        return "yes" if value else "no"
    if fact in _CLOCKS:
        return readable.as_date(value) if fact == _CLOCKS[0] else readable.as_duration(value)
    if fact == "seccomp_mode" and value < len(_SECCOMP):
        return _SECCOMP[value]
    if fact in ("login_uid", "audit_session") and value == 0xFFFFFFFF:
        return "unset"
    return f"{value} KiB" if fact.endswith("_kib") else None


_TEXT_AT_MOST = 1 << 16


def _lines(extent: Extent) -> str | None:
    """Text with NULs between, such as an environment, as lines; None: it is no text."""
    if not extent.length or extent.length > _TEXT_AT_MOST:
        return None
    try:
        text = bytes(extent).decode()
    except UnicodeDecodeError:
        return None
    lines = text.rstrip("\0").replace("\0", "\n")
    return lines if all(char.isprintable() or char in "\n\t" for char in lines) else None


def kernel_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """Facts about the kernel."""
    for block in blocks:
        for entry in entries_of(block, "rows"):
            yield {"block": block.index, **_fact(entry)}


def introspection_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """Facts about the target."""
    for block in blocks:
        pid = block.payload.get("target_pid")
        for entry in entries_of(block, "rows"):
            yield {"block": block.index, "target_pid": pid, **_fact(entry)}


_MODULE_STATES = ("unknown", "live", "loading", "unloading")
_SEEN_IN = ("proc and sysfs", "proc alone", "sysfs alone")


def kernel_module_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """Modules that the kernel had loaded; who hides often forgets one of two lists."""
    for block in blocks:
        for entry in entries_of(block, "rows"):
            state, flags = entry["state"], entry["flags"]
            yield {
                "block": block.index,
                "name": entry["name"],
                "module_size": entry["module_size"],
                "ref_count": entry["ref_count"],
                "state": state,
                "state_name": Name(_MODULE_STATES[state]) if state < len(_MODULE_STATES) else None,
                "taint": entry["taint"],
                "base_addr": f"{entry['base_addr']:#x}",
                "flags": flags,
                "seen_in": _SEEN_IN[flags] if flags < len(_SEEN_IN) else None,
            }


def persistence_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """Files that have something started by itself."""
    for block in blocks:
        for entry in entries_of(block, "rows"):
            yield {
                "block": block.index,
                "found_in": entry["found_in"].name,
                "path": entry["path"],
                "modified": str(entry["modified"]),
                "modified_utc": readable.as_date(entry["modified"]),
                "file_size": entry["file_size"],
                "mode": entry["mode"],
                "mode_text": readable.as_mode(entry["mode"]),
            }


MACHINE: dict[str, DocumentTable] = {
    "connectivity": DocumentTable(
        ("connectivity_table", "memdiver_connectivity_table"),
        "routes, neighbours, packet sockets and counters of the machine",
        _CONNECTIVITY,
        connectivity_rows,
    ),
    "kernel": DocumentTable(
        ("kernel_symbol_bundle",),
        "facts about the kernel",
        ("block", *_FACT),
        of_blocks(kernel_rows),
    ),
    "kernel_modules": DocumentTable(
        ("kernel_module_list",),
        "modules that the kernel had loaded",
        (
            "block",
            "name",
            "module_size",
            "ref_count",
            "state",
            "state_name",
            "taint",
            "base_addr",
            "flags",
            "seen_in",
        ),
        of_blocks(kernel_module_rows),
    ),
    "persistence": DocumentTable(
        ("persistence_manifest",),
        "files of the machine that have something started by itself",
        (
            "block",
            "found_in",
            "path",
            "modified",
            "modified_utc",
            "file_size",
            "mode",
            "mode_text",
        ),
        of_blocks(persistence_rows),
    ),
    "introspection": DocumentTable(
        ("target_introspection",),
        "what the system said of the target",
        ("block", "target_pid", *_FACT),
        of_blocks(introspection_rows),
    ),
}
"""Tables of the machine, by the name that ``--show`` knows them by."""
