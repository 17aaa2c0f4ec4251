"""What about a region's rights and type is to be looked at, and its rights in letters."""

from __future__ import annotations

from ..reader.regions import Region

__all__ = ["UNBACKED", "WRITTEN", "marks_of", "rights_of"]

WRITTEN, UNBACKED = "W+X", "code without a file"
"""A region that is written and executed; one that holds code which comes from no file."""

_LETTERS = (("read", "r"), ("write", "w"), ("execute", "x"))
_FURTHER = (("guard", "g"), ("copy_on_write", "c"))
_NO_FILE = ("heap", "stack", "anonymous", "shared_mem")
"""Types of regions that hold no file's code."""


def marks_of(region: Region) -> list[str]:
    """What code that was put there at run time has about it, and little else."""
    rights = region.protection
    if "execute" not in rights:
        return []
    found = [WRITTEN] if "write" in rights else []
    if region.region_type.name in _NO_FILE:
        found.append(UNBACKED)
    return found


def rights_of(region: Region) -> str:
    """Access rights in letters, dashes for those of reading, writing and executing it lacks."""
    rights = region.protection
    return "".join(letter if name in rights else "-" for name, letter in _LETTERS) + "".join(
        letter for name, letter in _FURTHER if name in rights
    )
