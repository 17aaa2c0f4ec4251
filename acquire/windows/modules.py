"""What is mapped as code in a Windows process."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..model import Mapping, Module
from ..plain_target import CallFailed
from ..reading import hash_file
from . import structures as win
from .calls import WindowsSystem
from .loader import loader_entries
from .version_resource import file_version

__all__ = ["ModuleFiles", "modules_of"]

_NOT_OPENED = "not hashed: its path leads to another machine, or a device"


@dataclass
class ModuleFiles:
    """What was learnt of the files of modules before the process was stopped, by their paths."""

    hashes: dict[str, bytes | None] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def look(self, path: str, hash_algo: str) -> None:
        """Hash one, and look for its version, unless that would ask somebody else."""
        if path not in self.hashes:
            self.hashes[path] = None if _leads_away(path) else hash_file(path, hash_algo)
            # Who could not be hashed is no ordinary file.
            self.versions[path] = file_version(path) if self.hashes[path] else ""


def _leads_away(path: str) -> bool:
    """Whether its opening would ask another machine, or a device.

    A program can write any path into its loader's list, and a server that is asked learns who we
    are. ``\\\\?\\C:\\`` is a longer way to write a drive.
    """
    spelled = path.replace("/", "\\")
    return spelled.startswith(("\\\\", "\\??\\")) and not (
        spelled.startswith("\\\\?\\") and spelled[5:7] == ":\\"
    )


def modules_of(
    system: WindowsSystem,
    pid: int,
    process: int,
    mappings: Sequence[Mapping],
    files: ModuleFiles,
    facts: dict[str, Any],
) -> list[Module]:
    """The loader's list; where there is none, the image mappings, joined by allocation.

    Args:
        system: the calls.
        pid: the process.
        process: its handle.
        mappings: its address space.
        files: as far as they were looked at.
        facts: takes ``modules_from``, ``toolhelp`` or ``mappings``, and why;
            ``images_without_entry``, mapped images that the loader's list does not have; and
            ``module_problems``, why a file was not opened, by its path.
    """
    images = _mapped_images(mappings)
    try:
        listed = list(system.modules(pid))
    except CallFailed as error:
        facts["modules_from"], facts["modules_error"] = "mappings", str(error)
        for name in ("images_without_entry", "module_problems"):
            facts.pop(name, None)
        return images
    facts["modules_from"] = "toolhelp"
    entries = _entries(system, process, facts)
    found = [
        Module(
            base_addr=int(entry.base_address),
            module_size=int(entry.base_size),
            path=(path := win.wide_text(entry.exe_path)),
            version=files.versions.get(path, ""),
            disk_hash=files.hashes.get(path),
            native_blob=entries.get(int(entry.base_address), b""),
        )
        for entry in listed
    ]
    facts["module_problems"] = {
        module.path: _NOT_OPENED for module in found if _leads_away(module.path)
    }
    known = {module.base_addr for module in found}
    facts["images_without_entry"] = [
        {"base_addr": f"{one.base_addr:#x}", "module_size": one.module_size, "path": one.path}
        for one in images
        if one.base_addr not in known
    ]
    return sorted(found, key=lambda module: module.base_addr)


def _entries(system: WindowsSystem, process: int, facts: dict[str, Any]) -> Dict[int, bytes]:
    """The loader's entries by the address of the image, of a 32-bit program's as well."""
    found: dict[int, bytes] = {}
    for narrow in (False, True):
        try:
            found |= loader_entries(system, process, narrow=narrow)
        except CallFailed as error:
            if not narrow:  # the other is not told of everywhere
                facts.setdefault("unknown", {})["loader_entries"] = str(error)
    return found


def _mapped_images(mappings: Sequence[Mapping]) -> list[Module]:
    spans: dict[int, tuple[int, str]] = {}
    for mapping in mappings:
        if mapping.region_type == "image":
            info = win.MemoryBasicInformation.from_buffer_copy(mapping.native)
            spans[int(info.allocation_base)] = (mapping.end, mapping.name)
    return [Module(base, end - base, name) for base, (end, name) in spans.items()]
