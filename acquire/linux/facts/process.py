"""The plain facts: how the process was started, where it stands, what limits it."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from typing import Any

from ..identity import command_line
from ..proc_text import (
    read_bytes,
    read_lines,
    read_stat,
    read_status,
    read_text,
    since_epoch,
    text,
    ticks_per_second,
)
from .items import link

__all__ = ["PROCESS_ITEMS"]

_ENVIRONMENT_LIMIT = 8 << 20
_MAX_ANCESTORS = 64
_REMAINS = 4096
"""Bytes of an overwritten environment that are shown as they are."""

_AUXILIARY = {
    3: "AT_PHDR",
    4: "AT_PHENT",
    5: "AT_PHNUM",
    6: "AT_PAGESZ",
    7: "AT_BASE",
    8: "AT_FLAGS",
    9: "AT_ENTRY",
    10: "AT_NOTELF",
    11: "AT_UID",
    12: "AT_EUID",
    13: "AT_GID",
    14: "AT_EGID",
    15: "AT_PLATFORM",
    16: "AT_HWCAP",
    17: "AT_CLKTCK",
    23: "AT_SECURE",
    24: "AT_BASE_PLATFORM",
    25: "AT_RANDOM",
    26: "AT_HWCAP2",
    27: "AT_RSEQ_FEATURE_SIZE",
    28: "AT_RSEQ_ALIGN",
    29: "AT_HWCAP3",
    30: "AT_HWCAP4",
    31: "AT_EXECFN",
    32: "AT_SYSINFO",
    33: "AT_SYSINFO_EHDR",
    51: "AT_MINSIGSTKSZ",
}


def _start(path: str) -> dict[str, str]:
    # The folder may be that of a thread, which began later.
    stat = read_stat(f"/proc/{int(read_status(path)['Tgid'])}")
    return {
        "time": str(since_epoch(stat.start_ticks)),
        "precision": str(1_000_000_000 // ticks_per_second()),
        "ticks_since_boot": str(stat.start_ticks),
    }


def _environment(path: str) -> dict[str, Any]:
    """The environment; programs that show a title in its place overwrite it."""
    data = read_bytes(f"{path}/environ", _ENVIRONMENT_LIMIT)
    entries = data.removesuffix(b"\0").split(b"\0") if data else []
    if not data:
        state = "empty: it was started without any, or has none any more"
    elif all(b"=" in entry for entry in entries):
        state = "as strings"
    else:
        state = "overwritten: what is left is not all of it"
    remains = data.rstrip(b"\0") if state.startswith("overwritten") else b""
    return {
        "source": "the stack, as it is now: what was set after the start isn't there",
        "state": state,
        "size": len(data),
        "remains": remains[:_REMAINS].hex(),
        "variables": [text(entry) for entry in entries if entry],
    }


def _limits(path: str) -> dict[str, dict[str, str]]:
    limits = {}
    for line in read_lines(f"{path}/limits")[1:]:
        fields = re.split(r"  +", line.rstrip())
        # Some limits have no unit.
        name, soft, hard, *unit = fields
        limits[name] = {"soft": soft, "hard": hard, "unit": unit[0] if unit else ""}
    return limits


def _auxiliary_vector(path: str) -> list[dict[str, str]]:
    data = read_bytes(f"{path}/auxv", 1 << 16)
    # The last entry of either width is of type 0; a 32-bit process on a 64-bit kernel has
    # 8-byte entries, and a first type too large for any that there are when read as 16.
    form = "=QQ" if len(data) >= 16 and struct.unpack_from("=Q", data)[0] < 1 << 32 else "=II"
    step = struct.calcsize(form)
    entries = []
    for at in range(0, len(data) - step + 1, step):
        kind, value = struct.unpack_from(form, data, at)
        if kind == 0:
            break
        entries.append({"type": _AUXILIARY.get(kind, str(kind)), "value": hex(value)})
    return entries


def _parents(path: str) -> list[dict[str, Any]]:
    chain: list[dict[str, Any]] = []
    pid = read_stat(path).ppid
    seen = set()
    while pid > 0 and pid not in seen and len(chain) < _MAX_ANCESTORS:
        seen.add(pid)
        try:
            stat = read_stat(f"/proc/{pid}")
        except OSError:
            # It ended in between; what is above it can't be known any more.
            chain.append({"pid": pid, "name": "", "start": ""})
            break
        name, start = text(stat.name), str(since_epoch(stat.start_ticks))
        chain.append({"pid": pid, "name": name, "start": start})
        pid = stat.ppid
    return chain


def _io(path: str) -> dict[str, int]:
    counters = {}
    for line in read_lines(f"{path}/io"):
        name, _, value = line.partition(":")
        counters[name] = int(value)
    return counters


def _namespace_pids(path: str) -> list[int]:
    return [int(number) for number in read_status(path)["NSpid"].split()]


def _number(name: str) -> Callable[[str], int]:
    return lambda path: int(read_text(f"{path}/{name}"))


def _root_file_system(path: str) -> dict[str, str]:
    found = {}
    for line in read_lines(f"{path}/mountinfo"):
        front, _, back = line.partition(" - ")
        fields, kind = front.split(" "), back.split(" ", 2)
        # Several may lie on top of each other: the last one is seen.
        if len(fields) > 5 and len(kind) > 2 and fields[4] == "/":
            found = {
                "type": kind[0],
                "source": kind[1],
                "device": fields[2],
                "root": fields[3],
                "options": fields[5],
                "super_options": kind[2],
            }
    return found


def _stripped(name: str) -> Callable[[str], str]:
    return lambda path: read_text(f"{path}/{name}").strip()


def _link(name: str) -> Callable[[str], str]:
    return lambda path: link(f"{path}/{name}")


def _arguments(path: str) -> list[str]:
    os.stat(path)
    return command_line(path)


PROCESS_ITEMS: dict[str, Callable[[str], Any]] = {
    "start": _start,
    "status": read_status,
    "arguments": _arguments,
    "environment": _environment,
    "executable": _link("exe"),
    "working_directory": _link("cwd"),
    "root_directory": _link("root"),
    "root_file_system": _root_file_system,
    "parents": _parents,
    "namespace_pids": _namespace_pids,
    "limits": _limits,
    "auxiliary_vector": _auxiliary_vector,
    "io": _io,
    "out_of_memory_score": _number("oom_score"),
    "out_of_memory_adjustment": _number("oom_score_adj"),
    "personality": _stripped("personality"),
    "core_dump_filter": _stripped("coredump_filter"),
    "waiting_in": _stripped("wchan"),
}
"""Name of the fact to its reader, which takes the process's folder of /proc."""
