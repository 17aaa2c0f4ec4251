"""Structures and constants of the 64-bit Mach and libproc interfaces.

Members have the names of Apple's headers, without their prefixes. Mach's own structures are
packed: none of their members is aligned to more than four bytes.
"""

from __future__ import annotations

import ctypes

__all__ = [
    "BsdInfo",
    "DyldInfo",
    "RegionPath",
    "SubmapInfo",
    "TaskBasicInfo",
    "TaskVmInfo",
    "ThreadExtendedInfo",
    "ThreadIdentifierInfo",
]

_U8, _U16, _U32, _U64 = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64
_I32, _I64 = ctypes.c_int32, ctypes.c_int64

KERN_SUCCESS = 0
KERN_INVALID_ADDRESS = 1
KERN_PROTECTION_FAILURE = 2
KERN_INVALID_ARGUMENT = 4
KERN_FAILURE = 5
KERN_MEMORY_FAILURE = 9
KERN_MEMORY_ERROR = 10
KERN_TERMINATED = 37
MACH_SEND_INVALID_DEST = 0x1000_0003

ESRCH = 3

VM_PROT_READ, VM_PROT_WRITE, VM_PROT_EXECUTE = 1, 2, 4

SM_COW, SM_PRIVATE, SM_EMPTY, SM_SHARED, SM_TRUESHARED = 1, 2, 3, 4, 5

HEAP_TAGS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 53, 61})
"""VM_MEMORY_MALLOC and its like, SBRK, REALLOC, TCMALLOC, DYLD_MALLOC."""
STACK_TAG, GUARD_TAG = 30, 31
IMAGE_TAGS = frozenset({32, 33, 35, 60})
"""VM_MEMORY_SHARED_PMAP, DYLIB, UNSHARED_PMAP, DYLD."""
DEVICE_TAGS = frozenset({21, 100})
"""VM_MEMORY_IOKIT, IOACCELERATOR."""

TASK_DYLD_INFO, MACH_TASK_BASIC_INFO, TASK_VM_INFO = 17, 20, 22
THREAD_IDENTIFIER_INFO, THREAD_EXTENDED_INFO = 4, 5
PROC_ALL_PIDS = 1
PROC_PIDTBSDINFO, PROC_PIDREGIONPATHINFO = 3, 8


class SubmapInfo(ctypes.Structure):
    """vm_region_submap_info_64, its second version."""

    _pack_ = 4
    _layout_ = "ms"
    _fields_ = (
        ("protection", _I32),
        ("max_protection", _I32),
        ("inheritance", _U32),
        ("offset", _U64),
        ("user_tag", _U32),
        ("pages_resident", _U32),
        ("pages_shared_now_private", _U32),
        ("pages_swapped_out", _U32),
        ("pages_dirtied", _U32),
        ("ref_count", _U32),
        ("shadow_depth", _U16),
        ("external_pager", _U8),
        ("share_mode", _U8),
        ("is_submap", _U32),
        ("behavior", _I32),
        ("object_id", _U32),
        ("user_wired_count", _U16),
        ("pages_reusable", _U32),
        ("object_id_full", _U64),
    )


class TaskBasicInfo(ctypes.Structure):
    """mach_task_basic_info."""

    _pack_ = 4
    _layout_ = "ms"
    _fields_ = (
        ("virtual_size", _U64),
        ("resident_size", _U64),
        ("resident_size_max", _U64),
        ("user_time", _I32 * 2),
        ("system_time", _I32 * 2),
        ("policy", _I32),
        ("suspend_count", _I32),
    )


class TaskVmInfo(ctypes.Structure):
    """task_vm_info, its first version."""

    _pack_ = 4
    _layout_ = "ms"
    _fields_ = (
        ("virtual_size", _U64),
        ("region_count", _I32),
        ("page_size", _I32),
        ("sizes", _U64 * 16),
    )


class DyldInfo(ctypes.Structure):
    """task_dyld_info."""

    _pack_ = 4
    _layout_ = "ms"
    _fields_ = (("address", _U64), ("size", _U64), ("format", _I32))


class ThreadIdentifierInfo(ctypes.Structure):
    """thread_identifier_info."""

    _fields_ = (("thread_id", _U64), ("thread_handle", _U64), ("dispatch_qaddr", _U64))


class ThreadExtendedInfo(ctypes.Structure):
    """thread_extended_info."""

    _fields_ = (
        ("user_time", _U64),
        ("system_time", _U64),
        ("cpu_usage", _I32),
        ("policy", _I32),
        ("run_state", _I32),
        ("flags", _I32),
        ("sleep_time", _I32),
        ("current_priority", _I32),
        ("priority", _I32),
        ("max_priority", _I32),
        ("name", ctypes.c_char * 64),
    )


class BsdInfo(ctypes.Structure):
    """proc_bsdinfo."""

    _fields_ = (
        ("flags", _U32),
        ("status", _U32),
        ("exit_status", _U32),
        ("pid", _U32),
        ("ppid", _U32),
        ("users_and_groups", _U32 * 6),
        ("reserved", _U32),
        ("comm", ctypes.c_char * 16),
        ("name", ctypes.c_char * 32),
        ("open_files", _U32),
        ("process_group", _U32),
        ("job_control", _U32),
        ("terminal", _U32),
        ("terminal_group", _U32),
        ("nice", _I32),
        ("start_seconds", _U64),
        ("start_microseconds", _U64),
    )


class RegionPath(ctypes.Structure):
    """proc_regionwithpathinfo, as far as it matters here."""

    _fields_ = (
        ("before", _U8 * 80),
        ("address", _U64),
        ("size", _U64),
        ("vnode", _U8 * 152),
        ("path", ctypes.c_char * 1024),
    )
