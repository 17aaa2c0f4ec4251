"""What is mapped as code in a Windows process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, replace
from typing import Any

from ..model import Mapping, Module
from ..plain_files import SECONDS, FileFound, GoOn, hash_file, look_at
from ..plain_target import CallFailed
from . import structures as win
from .calls import WindowsSystem
from .loader import loader_entries
from .version_resource import file_version

__all__ = ["ModuleFiles", "modules_of"]

_NOT_OPENED = "not hashed: its path leads to another machine, or a device"
_NOT_LOOKED_AT = "not hashed: it was mapped after the files were looked at"


@dataclass
class ModuleFiles:
    """What was learnt of the files of modules before the process was stopped, by their paths."""

    known: dict[str, FileFound] = field(default_factory=dict)

    def look(self, paths: Iterable[str], hash_algo: str) -> None:
        """Hash them, and look for their versions, unless that would ask somebody else.

        Args:
            paths: the program's first.
            hash_algo: what with.
        """
        new = [path for path in dict.fromkeys(paths) if path not in self.known]
        away = [path for path in new if _leads_away(path)]
        self.known |= dict.fromkeys(away, FileFound(problem=_NOT_OPENED))

        def one(path: str, go_on: GoOn) -> FileFound:
            facts = hash_file(path, hash_algo, go_on)
            # Who could not be hashed is no ordinary file.
            return replace(facts, version=file_version(path)) if facts.disk_hash else facts

        self.known |= look_at((path for path in new if path not in self.known), one, SECONDS)

    def of(self, path: str) -> FileFound:
        """What is known of one; it may have come to be mapped after all were looked at."""
        problem = _NOT_OPENED if _leads_away(path) else _NOT_LOOKED_AT
        return self.known.get(path, FileFound(problem=problem))


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
            ``module_problems``, what could not be found out about a file, and why, by its path.
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
            version=files.of(path).version,
            disk_hash=files.of(path).disk_hash,
            native_blob=entries.get(int(entry.base_address), b""),
        )
        for entry in listed
    ]
    facts["module_problems"] = {
        module.path: problem for module in found if (problem := files.of(module.path).problem)
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
