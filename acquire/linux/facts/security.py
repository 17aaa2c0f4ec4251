"""Who the process is to the kernel: users, capabilities, labels, namespaces."""

from __future__ import annotations

import os
from typing import Any

from ..proc_text import read_lines, read_status, read_text
from .items import item, link

__all__ = ["CAPABILITIES", "capability_names", "credentials", "namespaces"]

_NAMES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap "
    "linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner "
    "sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice "
    "sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap "
    "mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf "
    "checkpoint_restore"
)
CAPABILITIES = tuple(_NAMES.split())
"""Names of the kernel's capabilities by number."""

_SECCOMP = {"0": "disabled", "1": "strict", "2": "filter"}
_KINDS = ("real", "effective", "saved", "file_system")


def capability_names(mask: int) -> list[str]:
    """The capabilities in a mask, ``cap_`` in front; those newer than we are by number."""
    known = [f"cap_{name}" for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1]
    return known + [
        f"cap_{bit}" for bit in range(len(CAPABILITIES), mask.bit_length()) if mask >> bit & 1
    ]


def credentials(path: str) -> dict[str, Any]:
    """Users, groups, capabilities, seccomp and labels; numbers as our user namespace has them.

    Raises:
        OSError: as the system says it.
    """
    status = read_status(path)
    capabilities = {}
    for key, name in (
        ("CapInh", "inheritable"),
        ("CapPrm", "permitted"),
        ("CapEff", "effective"),
        ("CapBnd", "bounding"),
        ("CapAmb", "ambient"),
    ):
        if key in status:
            mask = int(status[key], 16)
            capabilities[name] = {"mask": hex(mask), "names": capability_names(mask)}
    return {
        "uids": dict(zip(_KINDS, map(int, status["Uid"].split()))),
        "gids": dict(zip(_KINDS, map(int, status["Gid"].split()))),
        "groups": [int(group) for group in status.get("Groups", "").split()],
        "capabilities": capabilities,
        "seccomp": _SECCOMP.get(status.get("Seccomp", ""), "unknown"),
        "seccomp_filters": int(status.get("Seccomp_filters", "0")),
        "no_new_privileges": status.get("NoNewPrivs") == "1",
        "login_uid": item(_login_uid, path),
        "uid_map": item(_map, f"{path}/uid_map"),
        "gid_map": item(_map, f"{path}/gid_map"),
        "label": item(_label, f"{path}/attr/current"),
        "apparmor": item(_label, f"{path}/attr/apparmor/current"),
    }


def _login_uid(path: str) -> int | None:
    value = int(read_text(f"{path}/loginuid"))
    return None if value == 0xFFFFFFFF else value  # never logged in


def _map(path: str) -> list[list[int]]:
    return [[int(field) for field in line.split()] for line in read_lines(path)]


def _label(path: str) -> str:
    return read_text(path).strip("\0\n")


def namespaces(path: str) -> dict[str, Any]:
    """For each namespace: its number, and whether it is the acquirer's own.

    Raises:
        OSError: as the system says it.
    """
    found = {}
    for name in sorted(os.listdir(f"{path}/ns")):
        found[name] = item(_namespace, f"{path}/ns/{name}")
    return found


def _namespace(path: str) -> dict[str, Any]:
    there = link(path)
    kind, _, number = there.partition(":")
    own = link(f"/proc/self/ns/{path.rpartition('/')[2]}")
    return {"type": kind, "inode": int(number.strip("[]")), "same_as_acquirer": there == own}
