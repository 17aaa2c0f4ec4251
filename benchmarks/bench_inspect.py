"""``msl inspect --json`` of a large dump, and how fast the command starts at all."""

from __future__ import annotations

import ctypes
import json
import os
from dataclasses import dataclass
from pathlib import Path

from dumps import Region, Shape, sparse
from measure import MIB, MSL, Row, Setting, compare, in_turns, note, python, run_child

NAME = "inspect"

_OBSERVED = """
import json, os, sys
before = list(sys.modules)
report = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
from msl_construct.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
modules = [name for name in sys.modules if name not in before]
with open("/proc/self/io") as file:
    io = dict(line.split(": ") for line in file.read().splitlines())
report.write(json.dumps({"modules": modules, "rchar": int(io["rchar"])}))
"""
"""Runs the command and then says what it imported and how many bytes it read."""

_IMPORTS = """
import json, sys
for name in json.loads(sys.argv[1]):
    try:
        __import__(name)
    except ImportError:
        pass
"""
_READ = """
with open("/proc/self/io") as file:
    sys.stdout.write(file.read())
"""


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    regions = setting.size(1997, 97)
    path = setting.tmp / "inspect.msl"
    # 131 pages a region: 2,000 blocks and 1 GiB.
    shape = sparse(path, [Region(131)] * regions)
    try:
        modules = _observe(path).modules
        rows = [_speed(setting, path, shape, modules), *_reading(path, shape, modules)]
    finally:
        path.unlink()
    return [*rows, _version(setting)]


def _speed(setting: Setting, path: Path, shape: Shape, modules: list[str]) -> Row:
    note(f"{shape.blocks} blocks, {shape.size / MIB:.0f} MiB, {len(modules)} modules imported")
    times = in_turns(
        setting.rounds,
        inspect=lambda: run_child(python(MSL, "inspect", "--json", path)),
        imports=lambda: run_child(python(_IMPORTS, json.dumps(modules))),
    )
    return compare(
        NAME,
        f"inspect --json, {shape.blocks} blocks, {shape.size / MIB:.0f} MiB",
        times,
        ("inspect", "imports"),
        bound_name="Python and the same imports",
        target=2.0,
    )


@dataclass
class _Observed:
    """What the command imports, in order, and how many bytes it reads, imports included."""

    modules: list[str]
    rchar: int


def _observe(path: Path) -> _Observed:
    child = run_child(python(_OBSERVED, "inspect", "--json", path), capture=True)
    return _Observed(**json.loads(child.output))


def _reading(path: Path, shape: Shape, modules: list[str]) -> list[Row]:
    """What of the file is read: by the page cache, and by the bytes that went through read()."""
    forget(path)
    before = resident(path, shape.size)
    run_child(python(MSL, "inspect", "--json", path))
    after = resident(path, shape.size)
    page = os.sysconf("SC_PAGE_SIZE")
    inside: set[int] = set()
    for offset, length in shape.data:
        inside.update(range(-(-offset // page), (offset + length) // page))
    read = _observe(path).rchar
    alone = run_child(python(_IMPORTS + _READ, json.dumps(modules)), capture=True).output
    read -= int(dict(line.split(b": ") for line in alone.splitlines())[b"rchar"])
    data = sum(length for _, length in shape.data)
    touched = len(after & inside - before)
    return [
        Row(
            NAME,
            "pages of page data brought into memory by inspect",
            touched,
            "pages",
            len(inside),
            "pages of page data",
            touched / len(inside),
            target=0.005,
            remark=f"mincore; {len(after - inside)} pages with headers and maps",
        ),
        Row(
            NAME,
            "bytes read by inspect beyond its imports",
            read / MIB,
            "MiB",
            data / MIB,
            "page data",
            read / data,
            target=0.005,
            remark=f"/proc/self/io rchar; {read // shape.blocks} bytes a block",
        ),
    ]


def forget(path: Path) -> None:
    """Drop the file from the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def resident(path: Path, size: int) -> set[int]:
    """Numbers of the file's pages that are in the page cache."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    pages = -(-size // os.sysconf("SC_PAGE_SIZE"))
    vector = (ctypes.c_ubyte * pages)()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        address = libc.mmap(None, size, 1, 1, descriptor, 0)  # PROT_READ, MAP_SHARED
        if address == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "mmap")
        try:
            if libc.mincore(address, size, vector):
                raise OSError(ctypes.get_errno(), "mincore")
        finally:
            libc.munmap(address, size)
    finally:
        os.close(descriptor)
    return {number for number, state in enumerate(vector) if state & 1}


def _version(setting: Setting) -> Row:
    times = in_turns(
        2 * setting.rounds,
        version=lambda: run_child(python(MSL, "--version")),
        bare=lambda: run_child(python("pass")),
    )
    row = compare(NAME, "msl --version", times, ("version", "bare"), bound_name="python -c pass")
    row.judged, row.target = "difference", 100.0
    return row
