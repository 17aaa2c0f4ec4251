"""The structures of minidumps (`minidumpapiset.h`; Breakpad's `minidump_format.h`)."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from ..structures import U8, U16, U32, U64, PackedStructure

__all__ = [
    "CRASHPAD_INFO",
    "DIRECTORY",
    "EXCEPTION",
    "HANDLE",
    "HEADER",
    "LOCATION",
    "MEMORY",
    "MEMORY_64",
    "MEMORY_64_HEAD",
    "MEMORY_INFO",
    "MISC_INFO",
    "MODULE",
    "MODULE_ANNOTATIONS",
    "REQUESTED",
    "SIGNATURE",
    "SYSTEM_INFO",
    "THREAD",
    "THREAD_EX",
    "THREAD_INFO",
    "THREAD_NAME",
    "UNLOADED_MODULE",
]

SIGNATURE = b"MDMP"


class MinidumpHeader(NamedTuple):
    """MINIDUMP_HEADER."""

    signature: Annotated[bytes, "4s"]
    version: U32
    stream_count: U32
    directory: U32
    checksum: U32
    time: U32
    flags: U64


class Directory(NamedTuple):
    """MINIDUMP_DIRECTORY."""

    type: U32
    size: U32
    offset: U32


class MinidumpThread(NamedTuple):
    """MINIDUMP_THREAD."""

    thread_id: U32
    suspend_count: U32
    priority_class: U32
    priority: U32
    environment: U64
    stack: U64
    stack_size: U32
    stack_offset: U32
    context_size: U32
    context_offset: U32


class MinidumpModule(NamedTuple):
    """MINIDUMP_MODULE."""

    base: U64
    size: U32
    checksum: U32
    time: U32
    name: U32
    version_signature: U32
    version_layout: U32
    file_version_high: U32
    file_version_low: U32
    version_rest: Annotated[bytes, "36s"]
    debug_size: U32
    debug_offset: U32
    misc_size: U32
    misc_offset: U32
    reserved: Annotated[bytes, "16s"]


class MinidumpMemory(NamedTuple):
    """MINIDUMP_MEMORY_DESCRIPTOR."""

    base: U64
    size: U32
    offset: U32


class Memory64Head(NamedTuple):
    """MINIDUMP_MEMORY64_LIST before its rows."""

    rows: U64
    offset: U64


class Memory64(NamedTuple):
    """MINIDUMP_MEMORY_DESCRIPTOR64."""

    base: U64
    size: U64


class MemoryInfo(NamedTuple):
    """MINIDUMP_MEMORY_INFO."""

    base: U64
    allocation_base: U64
    allocation_protection: U32
    padding: U32
    size: U64
    state: U32
    protection: U32
    type: U32
    padding_2: U32


class MinidumpSystemInfo(NamedTuple):
    """MINIDUMP_SYSTEM_INFO without the processor's part."""

    architecture: U16
    level: U16
    revision: U16
    processors: U8
    product: U8
    major: U32
    minor: U32
    build: U32
    platform: U32
    service_pack: U32
    suite: U16
    reserved: U16


class MiscInfo(NamedTuple):
    """MINIDUMP_MISC_INFO."""

    size: U32
    flags: U32
    pid: U32
    created: U32
    user_time: U32
    kernel_time: U32


class Exception_(NamedTuple):  # noqa: N801 - the other name is Python's
    """MINIDUMP_EXCEPTION_STREAM."""

    thread_id: U32
    padding: U32
    code: U32
    flags: U32
    record: U64
    address: U64
    parameters: Annotated[bytes, "128s"]
    context_size: U32
    context_offset: U32


class ThreadName(NamedTuple):
    """MINIDUMP_THREAD_NAME."""

    thread_id: U32
    name: U64


class UnloadedModule(NamedTuple):
    """MINIDUMP_UNLOADED_MODULE."""

    base: U64
    size: U32
    checksum: U32
    time: U32
    name: U32


class ThreadEx(NamedTuple):
    """MINIDUMP_THREAD_EX."""

    thread_id: U32
    suspend_count: U32
    priority_class: U32
    priority: U32
    environment: U64
    stack: U64
    stack_size: U32
    stack_offset: U32
    context_size: U32
    context_offset: U32
    backing: U64
    backing_size: U32
    backing_offset: U32


class ThreadInfo(NamedTuple):
    """MINIDUMP_THREAD_INFO."""

    thread_id: U32
    flags: U32
    error: U32
    exit_status: U32
    created: U64
    ended: U64
    kernel_time: U64
    user_time: U64
    start_address: U64
    affinity: U64


class HandleDescriptor(NamedTuple):
    """MINIDUMP_HANDLE_DESCRIPTOR; the second form of it has more behind."""

    handle: U64
    type_name: U32
    object_name: U32
    attributes: U32
    access: U32
    handle_count: U32
    pointer_count: U32


class Requested(NamedTuple):
    """MDRawBreakpadInfo: which threads wrote the dump and asked for it."""

    validity: U32
    writing_thread: U32
    requesting_thread: U32


class LocationDescriptor(NamedTuple):
    """MINIDUMP_LOCATION_DESCRIPTOR."""

    size: U32
    offset: U32


class CrashpadInfo(NamedTuple):
    """MinidumpCrashpadInfo."""

    version: U32
    report: Annotated[bytes, "16s"]
    client: Annotated[bytes, "16s"]
    annotations_size: U32
    annotations: U32
    modules_size: U32
    modules: U32


class ModuleAnnotations(NamedTuple):
    """MinidumpModuleCrashpadInfo."""

    version: U32
    list_size: U32
    list: U32
    simple_size: U32
    simple: U32
    objects_size: U32
    objects: U32


HEADER = PackedStructure(MinidumpHeader)
THREAD_EX = PackedStructure(ThreadEx)
THREAD_INFO = PackedStructure(ThreadInfo)
HANDLE = PackedStructure(HandleDescriptor)
REQUESTED = PackedStructure(Requested)
LOCATION = PackedStructure(LocationDescriptor)
CRASHPAD_INFO = PackedStructure(CrashpadInfo)
MODULE_ANNOTATIONS = PackedStructure(ModuleAnnotations)
DIRECTORY = PackedStructure(Directory)
THREAD = PackedStructure(MinidumpThread)
MODULE = PackedStructure(MinidumpModule)
MEMORY = PackedStructure(MinidumpMemory)
MEMORY_64_HEAD = PackedStructure(Memory64Head)
MEMORY_64 = PackedStructure(Memory64)
MEMORY_INFO = PackedStructure(MemoryInfo)
SYSTEM_INFO = PackedStructure(MinidumpSystemInfo)
MISC_INFO = PackedStructure(MiscInfo)
EXCEPTION = PackedStructure(Exception_)
THREAD_NAME = PackedStructure(ThreadName)
UNLOADED_MODULE = PackedStructure(UnloadedModule)
