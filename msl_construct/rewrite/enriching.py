"""Build-ids from captured images, in a segment behind the dump (§4.6, §5.10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from ..builder import append_segment
from ..reader.dump import Dump
from .conversion import TOOL
from .images import RewriteImageError, build_id_of

__all__ = ["ModuleId", "build_ids", "enrich"]

_MANIFEST = "module_build_id_manifest"
_SOURCE = "retroactive"
_ROOM = 20


@dataclass(frozen=True)
class ModuleId:
    """What became of one module.

    Attributes:
        base_addr: where it is mapped.
        path: of its file.
        build_id: what identifies it; empty where `reason` says why there is none.
        known: whether the dump says it already.
    """

    base_addr: int
    path: str
    build_id: bytes = b""
    reason: str = ""
    known: bool = False


def build_ids(dump: Dump) -> Iterator[ModuleId]:
    """Each module of a dump, and what identifies its image."""
    known = {
        row["base_addr"]
        for block in dump.blocks.of_type(_MANIFEST)
        for row in block.payload.get("entries", ())
        if row["build_id_len"]
    }
    begins = _beginnings(dump)
    for module in dump.modules:
        base, path = module.get("base_addr", 0), str(module.get("path") or "")
        if base in known:
            yield ModuleId(base, path, known=True)
            continue
        yield _looked_at(dump, base, path, begins)


def _looked_at(dump: Dump, base: int, path: str, begins: Mapping[str, int]) -> ModuleId:
    """What identifies a module: some producers state the address of its code, not of its image."""
    try:
        return ModuleId(base, path, build_id_of(dump.memory, base))
    except RewriteImageError as error:
        reason = str(error)
    begin = begins.get(path, base)
    if begin != base:
        try:
            return ModuleId(base, path, build_id_of(dump.memory, begin))
        except RewriteImageError as error:
            reason = f"{reason}; {error}"
    return ModuleId(base, path, reason=reason)


def _beginnings(dump: Dump) -> dict[str, int]:
    """Where the mappings of each file begin, as the VAS Map has it."""
    found: dict[str, int] = {}
    for block in dump.blocks.of_type("vas_map"):
        for row in block.payload.get("entries", ()):
            path, base = row["mapped_path"], row["base_addr"]
            if path:
                found[str(path)] = min(base, found.get(str(path), base))
    return found


def enrich(file: IO[bytes], found: list[ModuleId], **options: Any) -> None:
    """Append a segment with the build-ids that were found.

    Args:
        file: the dump, open for reading and writing.
        options: see `append_segment`.

    Raises:
        ConformanceError: nothing can be appended to it.
    """
    rows = [
        {
            "base_addr": one.base_addr,
            "build_id_len": len(one.build_id),
            "build_id_source": _SOURCE,
            "build_id": one.build_id.ljust(_ROOM, b"\0"),
        }
        for one in found
        if one.build_id
    ]
    with append_segment(file, **{"producer": TOOL, **options}) as writer:
        writer.add(_MANIFEST, entries=rows)
