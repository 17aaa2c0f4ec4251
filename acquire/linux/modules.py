"""Which files are mapped as code, and where (§5.2).

A module is

* the program itself, the file behind ``/proc/PID/exe``, whatever its content;
* every file with an executable mapping that is an ELF or PE (``MZ``: Wine) file, or that
  could not be looked into;
* every private ELF file without an executable mapping that lies in memory as its program
  headers say: a library of data only, or one whose code was moved elsewhere. A debugger
  that maps a whole library in order to read it has not loaded it;
* ``[vdso]``, which is no file.

Shared memory with generated code (memfd, /dev/shm) is no module unless it is an ELF file.
A file mapped twice far apart is two modules: one ends where its program headers end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ..model import Mapping, Module
from .elf import EXECUTABLE_SEGMENT, Elf
from .mapped_files import MappedFile
from .module_files import FileFacts, ModuleCache, examine
from .proc_text import text, without_root

__all__ = ["ModuleCache", "modules", "prehash"]

_FAR = 16 << 20
"""Bytes between two mappings of a file of unknown layout that make them two modules."""

_PREPARE_SECONDS, _FROZEN_SECONDS = 30.0, 2.0


class _Piece(NamedTuple):
    """One mapping of a file."""

    mapping: Mapping
    offset: int
    executable: bool
    private: bool


def prehash(
    pid: int,
    mappings: Iterable[Mapping],
    path: str | None = None,
    hash_algo: str = "blake3",
    earlier: ModuleCache | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> ModuleCache:
    """Read and hash the files behind the modules of a process that may still run.

    At most 30 seconds; what could not be done is in the cache's `problems`.

    Args:
        path: folder of /proc to use instead of ``/proc/PID``, as in `identity`.
        hash_algo: what with, by its name in the schema.
        earlier: of another process, hashed with the same: its files are known, and it is told
            of those of this one.
        stop: asked now and then whether to leave the rest.
    """
    cache = ModuleCache(hash_algo=hash_algo, stop=stop)
    if earlier is not None:
        cache.known, cache.asked = earlier.known, earlier.asked
    modules(pid, mappings, cache, path=path, seconds=_PREPARE_SECONDS)
    return cache


def modules(
    pid: int,
    mappings: Iterable[Mapping],
    cache: ModuleCache | None = None,
    *,
    path: str | None = None,
    seconds: float = _FROZEN_SECONDS,
) -> list[Module]:
    """The modules of a process, in address order.

    Files that `cache` knows, and that are as large and as old as they were, are not read
    again. Never waits longer than `seconds` for the others: a file on a server that doesn't
    answer yields a module without hash, and an entry in the cache's `problems`.

    Args:
        mappings: in address order.
        cache: from `prehash`; filled further.
        path: as in `prehash`.
        seconds: for reading files that the cache doesn't know.
    """
    path = path or f"/proc/{pid}"
    cache = ModuleCache() if cache is None else cache
    pieces: dict[tuple[bytes, bytes, bytes], list[_Piece]] = {}
    vdso: list[Module] = []
    # There may be very many mappings, most of them of no file: their name says so.
    for mapping in mappings:
        name = mapping.name
        if not name:
            continue
        if name[0] == "[":
            if name == "[vdso]":
                vdso.append(_module(mapping, mapping, name))
            continue
        fields = mapping.native.split(None, 5)
        if len(fields) < 6 or fields[4] == b"0":
            continue
        rights = fields[1]
        pieces.setdefault((fields[3], fields[4], fields[5]), []).append(
            _Piece(mapping, int(fields[2], 16), rights[2:3] == b"x", rights[3:4] == b"p")
        )
    program = _exe(path)
    files = {
        key: MappedFile(key[0], key[1], key[2], group[0].mapping)
        for key, group in pieces.items()
        if key[2] == program or any(_may_be_code(piece, key[2]) for piece in group)
    }
    known = examine(path, files.values(), cache, seconds)
    root = _root(path)
    found = vdso
    for key, file in files.items():
        facts = known[file]
        groups = list(_split(pieces[key], facts.elf))
        loaded = [group for group in groups if _is_loaded(facts, group)]
        if key[2] == program and not loaded:
            loaded = groups[:1]
        shown = without_root(text(_unescaped(key[2])), root)
        found.extend(_module(group[0].mapping, group[-1].mapping, shown, facts) for group in loaded)
    found.sort(key=_base)
    return found


def _base(module: Module) -> int:
    return module.base_addr


def _exe(path: str) -> bytes:
    """The path of the program as maps shows it; empty where it can't be read."""
    try:
        return os.readlink(os.fsencode(f"{path}/exe")).replace(b"\n", b"\\012")
    except OSError:
        return b""


def _root(path: str) -> str:
    try:
        return text(os.readlink(os.fsencode(f"{path}/root")))
    except OSError:
        return "/"


def _unescaped(path: bytes) -> bytes:
    """A path as it is on disk: maps writes a newline as ``\\012``, and nothing else so."""
    return path.replace(b"\\012", b"\n")


_NO_FILES = (b"/dev/zero", b"/SYSV", b"/anon_hugepage", b"/memfd:", b"/dev/shm/")


def _may_be_code(piece: _Piece, name: bytes) -> bool:
    """Whether it is worth opening the file: thousands of buffers in shared memory are not."""
    if piece.executable:
        return True
    return piece.private and piece.offset == 0 and not name.startswith(_NO_FILES)


def _is_loaded(facts: FileFacts, pieces: Sequence[_Piece]) -> bool:
    """Whether these mappings of a file make it a module: see the head of this file."""
    executable = any(piece.executable for piece in pieces)
    if executable and (facts.code or not facts.examined):
        return True
    elf = facts.elf
    if elf is None or executable or not elf.dynamic:
        return False
    if not any(segment.flags & EXECUTABLE_SEGMENT for segment in elf.segments):
        return True
    load = _load_address(pieces[0], elf)
    fitting = sum(
        piece.private and load is not None and _fits(piece, elf, load) for piece in pieces
    )
    return fitting > 1


_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _load_address(piece: _Piece, elf: Elf) -> int | None:
    """Where address 0 of the file's own addresses is, if `piece` belongs to a segment."""
    for segment in elf.segments:
        start = segment.offset // _PAGE * _PAGE
        if start <= piece.offset < segment.offset + max(segment.file_size, 1):
            own = segment.address // _PAGE * _PAGE + piece.offset - start
            return piece.mapping.start - own
    return None


def _fits(piece: _Piece, elf: Elf, load: int) -> bool:
    """Whether `piece` lies where one of the segments that contain its offset puts it."""
    return any(
        segment.offset // _PAGE * _PAGE <= piece.offset < segment.offset + segment.file_size
        and piece.mapping.start
        == load + (segment.address - segment.offset) // _PAGE * _PAGE + piece.offset
        for segment in elf.segments
    )


def _split(pieces: Sequence[_Piece], elf: Elf | None) -> Iterator[list[_Piece]]:
    """The mappings of one file, those of one load together."""
    group: list[_Piece] = []
    end = 0
    for piece in pieces:
        if group and _begins(piece, group[-1], elf, end):
            yield group
            group = []
        if not group:
            end = _end(piece, elf)
        group.append(piece)
    if group:
        yield group


def _begins(piece: _Piece, last: _Piece, elf: Elf | None, end: int) -> bool:
    """Whether `piece` begins another load than that of `last`, which ends at `end`."""
    if elf is not None and end:
        return piece.mapping.start >= end
    return piece.offset < last.offset or piece.mapping.start - last.mapping.end > _FAR


def _end(piece: _Piece, elf: Elf | None) -> int:
    """Where the load that begins with `piece` ends by its program headers; 0: unknown."""
    if elf is None or not elf.segments:
        return 0
    load = _load_address(piece, elf)
    if load is None:
        return 0
    last = max(segment.address + segment.memory_size for segment in elf.segments)
    return load + (last + _PAGE - 1) // _PAGE * _PAGE


def _module(first: Mapping, last: Mapping, path: str, facts: FileFacts | None = None) -> Module:
    return Module(
        base_addr=first.start,
        module_size=last.end - first.start,
        path=path,
        version=facts.version if facts else "",
        disk_hash=facts.disk_hash if facts else None,
        # The draft wants a NUL-terminated string.
        native_blob=first.native + b"\0",
        build_id=facts.elf.build_id if facts and facts.elf else b"",
    )
