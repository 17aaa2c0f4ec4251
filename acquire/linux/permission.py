"""How we stand to a process: what permits us to look into it, and what may forbid it.

The kernel says only "permission denied". Why, has to be put together from what it shows of
both sides; `cause_of_refusal` does that for anything that can be written down, so that it can
be checked without a machine of each kind.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from .proc_text import read_status, read_text

__all__ = ["Standing", "cause_of_refusal", "standing"]

_DAC_OVERRIDE, _DAC_READ_SEARCH, _SYS_PTRACE = 1, 2, 19
_AS_ROOT = "run as root or give the capability CAP_SYS_PTRACE"


@dataclass(frozen=True)
class Standing:
    """The acquirer and the target, as far as permissions go.

    Attributes:
        our_uid, our_capabilities: effective.
        our_no_new_privileges, our_seccomp: as the kernel keeps them.
        our_label, label: of the security module; empty where there is none, or unreadable.
        in_container: whether we seem to be in a container.
        uids: the target's real, effective and saved one, as we see them.
        capabilities: the target's permitted ones.
        dumpable: False where the target (or its program) has forbidden being looked into.
        same_user_namespace: None where that can't be seen.
        no_new_privileges: the target's.
        tracer: the process that traces the target already; 0 for none.
        yama: the value of ptrace_scope; None without Yama.
        descendant: whether the target is a descendant of ours.
    """

    our_uid: int
    our_capabilities: int
    our_no_new_privileges: bool
    our_seccomp: int
    our_label: str
    in_container: bool
    uids: tuple[int, ...]
    capabilities: int
    dumpable: bool
    same_user_namespace: bool | None
    no_new_privileges: bool
    label: str
    tracer: int
    yama: int | None
    descendant: bool

    @property
    def may_trace(self) -> bool:
        """Whether we have CAP_SYS_PTRACE (in our own user namespace)."""
        return bool(self.our_capabilities >> _SYS_PTRACE & 1)

    @property
    def may_open(self) -> bool:
        """Whether the files of the target in /proc are ours to open, as far as users go."""
        owner = self.uids[1] if self.dumpable else 0
        return self.our_uid == owner or bool(
            self.our_capabilities >> _DAC_OVERRIDE & 1
            or self.our_capabilities >> _DAC_READ_SEARCH & 1
        )

    def facts(self) -> dict[str, Any]:
        """For the report."""
        found = asdict(self)
        found["our_capabilities"] = hex(self.our_capabilities)
        found["capabilities"] = hex(self.capabilities)
        found["uids"] = list(self.uids)
        return found


def standing(pid: int, path: str) -> Standing:
    """Look at both sides; touches nothing but /proc.

    Raises:
        OSError: there is no such process (any more), or it is hidden.
    """
    own, its = read_status("/proc/self"), read_status(path)
    uids = tuple(map(int, its["Uid"].split()[:3]))
    return Standing(
        our_uid=os.geteuid(),
        our_capabilities=int(own.get("CapEff", "0"), 16),
        our_no_new_privileges=own.get("NoNewPrivs") == "1",
        our_seccomp=int(own.get("Seccomp", "0")),
        our_label=_first_line("/proc/self/attr/current"),
        in_container=_in_container(),
        uids=uids,
        capabilities=int(its.get("CapPrm", "0"), 16),
        # The kernel gives the files of a process that must not be dumped to root.
        dumpable=os.stat(f"{path}/environ").st_uid == uids[1],
        same_user_namespace=_same_user_namespace(path),
        no_new_privileges=its.get("NoNewPrivs") == "1",
        label=_first_line(f"{path}/attr/current"),
        tracer=int(its.get("TracerPid", "0")),
        yama=_yama(),
        descendant=_descends(pid),
    )


def _first_line(path: str) -> str:
    try:
        return read_text(path, 4096).strip("\0\n")
    except OSError:
        return ""


def _yama() -> int | None:
    value = _first_line("/proc/sys/kernel/yama/ptrace_scope")
    return int(value) if value.isdigit() else None


def _in_container() -> bool:
    """Whether our PID namespace is not the first one, or somebody left the usual marks."""
    try:
        first = os.readlink("/proc/self/ns/pid") == "pid:[4026531836]"
    except OSError:
        first = True
    return not first or os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")


def _same_user_namespace(path: str) -> bool | None:
    """By the namespaces where we may see them, else by the maps, which everybody may see."""
    try:
        return os.readlink(f"{path}/ns/user") == os.readlink("/proc/self/ns/user")
    except OSError:
        pass
    # Equal maps say nothing: a namespace may map everything onto itself.
    return None if _first_line(f"{path}/uid_map") == _first_line("/proc/self/uid_map") else False


def _descends(pid: int) -> bool:
    seen = 0
    while pid > 1 and seen < 128:
        if pid == os.getpid():
            return True
        try:
            pid = int(read_status(f"/proc/{pid}")["PPid"])
        except (OSError, KeyError, ValueError):
            return False
        seen += 1
    return False


def cause_of_refusal(pid: int, seen: Standing) -> tuple[str, str]:
    """The most probable reason why the kernel refuses us process `pid`, and what to do."""
    cause, remedy = _cause(seen)
    if seen.in_container and "CAP_SYS_PTRACE" in remedy:
        remedy += (
            "; in a container: start it with --cap-add SYS_PTRACE and in the PID namespace of "
            "the target (docker run --pid=container:NAME, kubectl debug --target=NAME)"
        )
    if seen.our_no_new_privileges and not seen.may_trace:
        remedy += (
            "; our own no_new_privs is set, so that neither sudo nor a capability of the file "
            "would help: start from another session"
        )
    return f"process {pid} can't be read: {cause}", remedy


def _cause(seen: Standing) -> tuple[str, str]:
    if seen.yama == 3:
        return (
            "Yama forbids it to everybody (kernel.yama.ptrace_scope is 3)",
            "only a reboot with another setting helps",
        )
    if seen.may_trace:
        return _cause_with_capability(seen)
    uids = ", ".join(map(str, sorted(set(seen.uids))))
    if seen.same_user_namespace is False:
        return (
            "it is in another user namespace",
            "run in its parent namespace (on the host of the container) with CAP_SYS_PTRACE",
        )
    if any(uid != seen.our_uid for uid in seen.uids):
        if seen.our_uid == 0:
            return (
                "root lacks the capability CAP_SYS_PTRACE here",
                "give the capability CAP_SYS_PTRACE",
            )
        return f"it belongs to user {uids}, we are user {seen.our_uid}", _AS_ROOT
    if seen.capabilities & ~seen.our_capabilities:
        return "it has capabilities that we don't have", _AS_ROOT
    if not seen.dumpable:
        return (
            "it is not dumpable (it said so with prctl, or its program has set-user-ID, "
            "capabilities, or can't be read)",
            _AS_ROOT,
        )
    if seen.yama == 2:
        return "Yama permits it to administrators only (kernel.yama.ptrace_scope is 2)", _AS_ROOT
    if seen.yama == 1 and not seen.descendant:
        return (
            "Yama permits it to the target's ancestors only (kernel.yama.ptrace_scope is 1)",
            f"sysctl kernel.yama.ptrace_scope=0, or {_AS_ROOT}",
        )
    return _security_module(seen)


def _cause_with_capability(seen: Standing) -> tuple[str, str]:
    if seen.same_user_namespace is False:
        return (
            "it is in another user namespace, where our CAP_SYS_PTRACE doesn't count",
            "run in its user namespace or in one above it, for example on the host",
        )
    if not seen.may_open:
        owner = f"user {seen.uids[1]}" if seen.dumpable else "root, for it is not dumpable"
        return (
            f"its files in /proc belong to {owner}, we are user {seen.our_uid} without the "
            "capability CAP_DAC_READ_SEARCH, and process_vm_readv, which would do without them, "
            "is refused",
            "give the capability CAP_DAC_READ_SEARCH besides CAP_SYS_PTRACE, or permit "
            "process_vm_readv (seccomp)",
        )
    return _security_module(seen)


def _security_module(seen: Standing) -> tuple[str, str]:
    if seen.our_label not in ("", "unconfined") or seen.label not in ("", "unconfined"):
        return (
            f"a security module forbids it (we are {seen.our_label or 'unlabelled'!r}, it is "
            f"{seen.label or 'unlabelled'!r})",
            "run unconfined, or permit it in the policy (AppArmor: ptrace; SELinux: "
            "process ptrace, setsebool deny_ptrace off)",
        )
    return (
        "user, capabilities and Yama would permit it, so that a security module (Landlock, BPF) "
        "or a user namespace that can't be seen from here forbids it",
        "run outside of any sandbox, on the host",
    )
