"""What about a region's rights and type is to be looked at, and its rights in letters."""

from __future__ import annotations

import re

from ..reader.regions import Region
from .place_names import PlaceNames

__all__ = ["UNBACKED", "WRITTEN", "marks_of", "names_a_file", "rights_of"]

WRITTEN, UNBACKED = "W+X", "code without a file"
"""A region that is written and executed; one that holds code which comes from no file."""

_LETTERS = (("read", "r"), ("write", "w"), ("execute", "x"))
_FURTHER = (("guard", "g"), ("copy_on_write", "c"))
_NO_FILE = ("heap", "stack", "anonymous", "shared_mem")
"""Types of regions that hold no file's code."""
_PATH = re.compile(r"/|[A-Za-z]:[\\/]|\\")
_IN_MEMORY = re.compile(r"/(memfd:|SYSV|secretmem|anon_|dmabuf:|\[aio\]|dev/(?!shm/)|proc/)")
"""What Linux calls as files are, and holds in memory alone."""
_DELETED = " (deleted)"


def marks_of(region: Region, names: PlaceNames) -> list[str]:
    """What code that was put there at run time has about it, and little else.

    Args:
        names: some producers call memory anonymous of which the list of mappings names the file.
    """
    rights = region.protection
    if "execute" not in rights:
        return []
    found = [WRITTEN] if "write" in rights else []
    if region.region_type.name in _NO_FILE and not names_a_file(names.mapping_of(region.base_addr)):
        found.append(UNBACKED)
    return found


def names_a_file(name: str | None) -> bool:
    """Whether a mapping of this name is one of a file that a folder lists."""
    if not name or not _PATH.match(name):
        return False
    return not (_IN_MEMORY.match(name) or name.endswith(_DELETED))


def rights_of(region: Region) -> str:
    """Access rights in letters, dashes for those of reading, writing and executing it lacks."""
    rights = region.protection
    return "".join(letter if name in rights else "-" for name, letter in _LETTERS) + "".join(
        letter for name, letter in _FURTHER if name in rights
    )
