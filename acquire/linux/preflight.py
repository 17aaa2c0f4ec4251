"""Whether a process can be acquired, asked without touching it (nothing stops, nothing is read)."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Any

from msl_construct.errors import TargetError

from .freeze.cgroup import groups
from .freeze.filtered import refuse_filtered
from .freeze.fitness import refuse_unfit
from .freeze.guardian.refusals import Refusal
from .freeze.guardian.thread_state import look_at_all
from .maps import living_thread
from .own_proc import check_entry, check_proc, exists
from .permission import Standing, cause_of_refusal, standing
from .proc_text import KERNEL_THREAD, read_lines, read_stat, read_status, text
from .syscalls import readable_by_call

__all__ = ["preflight"]

_PTRACE_DETACH = 17


def preflight(pid: int, method: str) -> dict[str, Any]:
    """Check that process `pid` can be acquired with the freezing method `method`.

    The answer is the kernel's own: its memory is opened, which is what needs permission, and
    not read.

    Returns:
        Facts for the report: ``thread`` that is asked, how we stand to the process, and what
        was found of the machine.

    Raises:
        TargetError: it can't be; the message has the most probable cause, and the remedy.
    """
    if pid <= 0:
        raise TargetError(f"{pid} is no number of a process", remedy="give a number above 0")
    if pid == os.getpid():
        raise TargetError(
            f"process {pid} is this acquirer: it can't stop itself",
            remedy="acquire it from another process",
        )
    check_proc()
    hide = _hidden_processes()
    try:
        check_entry(pid)
        stat, status = read_stat(f"/proc/{pid}"), read_status(f"/proc/{pid}")
    except OSError as error:
        raise _absent(pid, hide) from error
    name = text(stat.name)
    leader = int(status.get("Tgid", pid))
    if leader != pid:
        raise TargetError(
            f"{pid} is a thread of process {leader} ({name})", remedy=f"acquire {leader}"
        )
    if stat.flags & KERNEL_THREAD or status.get("Kthread") == "1":
        raise TargetError(
            f"process {pid} ({name}) is a thread of the kernel: it has no memory of its own",
            remedy="acquire the memory of the machine instead, with another tool",
        )
    thread = living_thread(pid)
    path = f"/proc/{thread}"
    check_entry(thread)
    try:
        seen = standing(pid, path)
    except OSError as error:
        raise _absent(pid, hide) from error
    opened = _open(pid, thread, seen)
    facts: dict[str, Any] = {
        "name": name,
        "state": stat.state,
        "thread": thread,
        "threads": int(status.get("Threads", 1)),
        "leader_ended": thread != pid,
        "page_size": os.sysconf("SC_PAGE_SIZE"),
        "proc_hides_processes": hide,
        "memory": opened,
        "standing": seen.facts(),
    }
    if method in ("ptrace", "snapshot"):
        _check_ptrace(pid, seen)
    if method == "snapshot":
        refuse_unfit(pid, None)
    if method == "cgroup":
        facts["control_group"] = _check_control_group(pid)
    if method in ("cgroup", "sigstop"):
        _check_filters(pid, method)
    if seen.our_seccomp:
        facts["process_vm_readv"] = _says(_probe_process_vm_readv())
    return facts


def _absent(pid: int, hide: str) -> TargetError:
    if exists(pid):
        how = f"is mounted with {hide}, which hides" if hide else "hides"
        return TargetError(
            f"process {pid} is there, and /proc {how} it from us",
            remedy="run as root, or mount /proc without that option (mount -o "
            "remount,hidepid=0 /proc)",
        )
    remedy = "check the number; a process of another PID namespace has another number here"
    return TargetError(f"there is no process {pid}", remedy=remedy)


def _hidden_processes() -> str:
    """The option by which our /proc hides processes; empty if it doesn't."""
    found = ""
    try:
        lines = read_lines("/proc/self/mountinfo")
    except OSError:
        return found
    for line in lines:
        front, _, back = line.partition(" - ")
        kind, _, rest = back.partition(" ")
        if kind == "proc" and front.split(" ")[4:5] == ["/proc"]:
            options = rest.rpartition(" ")[2].split(",")
            found = next(
                (
                    option
                    for option in options
                    if option.startswith("hidepid=") and option not in ("hidepid=0", "hidepid=off")
                ),
                "",
            )
    return found


def _open(pid: int, thread: int, seen: Standing) -> str:
    """Ask for access to memory and mappings, and give it back.

    Returns:
        ``permitted``, or ``reduced``: mappings may be seen, and only process_vm_readv may read.

    Raises:
        TargetError: refused, or gone.
    """
    opened, path = "permitted", f"/proc/{thread}"
    for name in ("maps", "mem"):
        try:
            os.close(os.open(f"{path}/{name}", os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM):
                if name == "mem" and readable_by_call(thread):
                    opened = "reduced"
                    continue
                cause, remedy = cause_of_refusal(pid, seen)
                raise TargetError(cause, remedy=remedy) from error
            if error.errno in (errno.ENOENT, errno.ESRCH):
                raise TargetError(
                    f"process {pid} has just ended", remedy="nothing is left to acquire"
                ) from error
            raise TargetError(f"{path}/{name} can't be opened: {error.strerror}") from error
    return opened


def _check_ptrace(pid: int, seen: Standing) -> None:
    """What ptrace needs more than permission.

    Raises:
        TargetError: somebody else traces it, or a sandbox of ours forbids the call.
    """
    if seen.tracer:
        try:
            name = f" ({text(read_stat(f'/proc/{seen.tracer}').name)})"
        except OSError:
            name = ""
        raise TargetError(
            f"process {pid} is already traced by process {seen.tracer}{name}",
            remedy="end the debugger, or go on without stopping the target: --freeze none",
        )
    # Only where a filter is: asking about a process that can't exist does nothing else.
    if seen.our_seccomp and (code := _probe_ptrace()) != errno.ESRCH:
        raise TargetError(
            f"a seccomp filter of ours forbids ptrace ({_says(code)})",
            remedy="in a container: --cap-add SYS_PTRACE or --security-opt seccomp=unconfined; "
            "or go on without stopping the target: --freeze none",
        )


def _check_filters(pid: int, method: str) -> None:
    """What stops a target without seeing where it stands must not meet a filter.

    Raises:
        TargetError: a thread has one, and is not stopped already.
    """
    threads = look_at_all(pid)
    if any(thread.state == "T" for thread in threads.values()):
        return
    try:
        refuse_filtered(pid, threads, method)
    except Refusal as refusal:
        raise TargetError(refusal.message, remedy=refusal.remedy) from refusal


def _probe_ptrace() -> int:
    library = ctypes.CDLL(None, use_errno=True)
    library.ptrace.restype = ctypes.c_long
    library.ptrace(
        ctypes.c_long(_PTRACE_DETACH), ctypes.c_long(-1), ctypes.c_void_p(0), ctypes.c_void_p(0)
    )
    return ctypes.get_errno()


def _probe_process_vm_readv() -> int:
    """The errno of the call on a process that can't exist: ESRCH if it isn't filtered."""
    library = ctypes.CDLL(None, use_errno=True)
    library.process_vm_readv.restype = ctypes.c_ssize_t
    byte = ctypes.create_string_buffer(1)
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(byte), 1)
    zero, one = ctypes.c_ulong(0), ctypes.c_ulong(1)
    library.process_vm_readv(ctypes.c_int(-1), vector, one, vector, one, zero)
    return ctypes.get_errno()


def _says(code: int) -> str:
    """``permitted`` for the errno of a probe that got as far as looking for the process."""
    return "permitted" if code == errno.ESRCH else errno.errorcode.get(code, str(code))


def _check_control_group(pid: int) -> dict[str, Any]:
    """A control group of the target in which we may make another.

    Raises:
        TargetError: there is none.
    """
    found = groups(pid)
    for group in found:
        if os.access(group.directory, os.W_OK):
            return {"version": group.version, "directory": group.directory}
    places = ", ".join(group.directory for group in found)
    if found:
        cause = f"we may not make a control group in {places}"
        remedy = "run as root with writable control groups, or choose --freeze ptrace or none"
    else:
        cause = "there is no control group that can be frozen"
        remedy = "mount the cgroup2 file system, or choose --freeze ptrace"
    raise TargetError(f"process {pid} can't be frozen by control group: {cause}", remedy=remedy)
