"""Where an address is: region, protection, name, module and offset."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..reader.dump import Dump
from ..space import Cover
from .addresses import Addresses, file_name

__all__ = ["Location", "Locations", "ModuleLocation", "RegionLocation", "rights"]


@dataclass(frozen=True)
class RegionLocation:
    """A memory region, as hits tell it.

    Attributes:
        base_addr: its first address.
        protection: names of the access rights.
        region_type: the schema's name of what backs it.
        name: what the dump calls it; None: nothing.
        label: words for it, and the address that offsets behind them are counted from, so that
            `Addresses` takes them.
    """

    base_addr: int
    protection: tuple[str, ...]
    region_type: str
    name: str | None
    label: tuple[str, int]


@dataclass(slots=True, unsafe_hash=True)  # frozen ones take five times as long to make
class ModuleLocation:
    """A place within a module. Not to be changed.

    Attributes:
        path: the module's.
        offset: bytes from its base address.
    """

    path: str
    offset: int


@dataclass(slots=True, unsafe_hash=True)
class Location:
    """What stands at an address; None where the dump has nothing there. Not to be changed.

    Attributes:
        region, module: which of them cover it.
    """

    region: RegionLocation | None
    module: ModuleLocation | None


_Answer = tuple[int, int, Location, "tuple[int, str] | None"]
"""A range of addresses, where they are but for offsets in a module, and that module."""


class Locations:
    """Answers for every address where it is.

    Args:
        dump: what is asked.
    """

    def __init__(self, dump: Dump) -> None:
        self._dump = dump
        self._last: _Answer = 0, 0, Location(None, None), None

    @cached_property
    def _modules(self) -> Cover[tuple[int, str]]:
        return Cover(
            (
                one["base_addr"],
                one["base_addr"] + one["module_size"],
                (one["base_addr"], one["path"]),
            )
            for one in self._dump.modules
            if one.get("path") and "module_size" in one
        )

    @cached_property
    def _addresses(self) -> Addresses:
        return Addresses(self._dump)

    def at(self, address: int) -> Location:
        """Where an address is."""
        start, end, where, module = self._last
        if not start <= address < end:
            region, name, start, end = self._dump.memory.place_of(address)
            place = None
            if region is not None:
                place = RegionLocation(
                    region.base_addr,
                    tuple(region.protection.names),
                    region.region_type.name,
                    name,
                    self._addresses.label(region.base_addr, name or f"[{region.region_type.name}]"),
                )
            module, first, behind = self._modules.span(address)
            # What is next to an address is asked for next: all that has the same answer is kept.
            where = Location(place, None)
            self._last = max(start, first), min(end, behind), where, module
        if module is None:
            return where
        return Location(where.region, ModuleLocation(module[1], address - module[0]))

    def span(self, address: int) -> tuple[int, int]:
        """Addresses around an address that are in the same region and the same module, if any."""
        self.at(address)
        return self._last[0], self._last[1]

    def end_of(self, address: int) -> int:
        """First address behind the region that covers an address; the next one where none does."""
        region = self._dump.memory.region_at(address)
        return address + 1 if region is None else region.end

    def text(self, address: int) -> str:
        """The same in a few words: ``libc.so.6+0x10``; empty where nothing has a name."""
        where = self.at(address)
        if where.module is not None:
            return f"{file_name(where.module.path)}+{where.module.offset:#x}"
        if where.region is None:
            return ""
        words, base = where.region.label
        return f"{words}+{address - base:#x}"


@lru_cache
def rights(protection: tuple[str, ...]) -> str:
    """Access rights in letters: ``rwx``, with dashes for those that are not given."""
    found = "".join(
        letter if name in protection else "-"
        for letter, name in (("r", "read"), ("w", "write"), ("x", "execute"))
    )
    return found + ("g" if "guard" in protection else "")
