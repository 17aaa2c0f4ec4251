"""What is mapped as code in a Windows process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..model import Mapping, Module
from ..plain_target import CallFailed
from . import structures as win
from .calls import WindowsSystem

__all__ = ["modules_of"]


def modules_of(
    system: WindowsSystem,
    pid: int,
    mappings: Sequence[Mapping],
    hashes: dict[str, bytes | None],
    facts: dict[str, Any],
) -> list[Module]:
    """The loader's list; where there is none, the image mappings, joined by allocation.

    Args:
        system: the calls.
        pid: the process.
        mappings: its address space.
        hashes: of files, by path, as far as they were computed.
        facts: takes ``modules_from``, ``toolhelp`` or ``mappings``, and why.
    """
    try:
        found = [
            Module(
                base_addr=int(entry.base_address),
                module_size=int(entry.base_size),
                path=(path := win.wide_text(entry.exe_path)),
                disk_hash=hashes.get(path),
            )
            for entry in system.modules(pid)
        ]
    except CallFailed as error:
        facts["modules_from"], facts["modules_error"] = "mappings", str(error)
        return _mapped_images(mappings)
    facts["modules_from"] = "toolhelp"
    return sorted(found, key=lambda module: module.base_addr)


def _mapped_images(mappings: Sequence[Mapping]) -> list[Module]:
    spans: dict[int, tuple[int, str]] = {}
    for mapping in mappings:
        if mapping.region_type == "image":
            info = win.MemoryBasicInformation.from_buffer_copy(mapping.native)
            spans[int(info.allocation_base)] = (mapping.end, mapping.name)
    return [Module(base, end - base, name) for base, (end, name) in spans.items()]
