"""What stands where, as the dump has it: modules, and the names of mappings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..schema import Record
from ..space import Cover

if TYPE_CHECKING:
    from ..records import ModuleEntry

__all__ = ["names_of"]


def names_of(modules: Iterable[ModuleEntry], maps: Iterable[Record]) -> Cover[str]:
    """The names by address: modules go before mappings, each in file order.

    Args:
        modules: payloads of the Module Entries.
        maps: payloads of the VAS Maps; the last one in the file counts.
    """
    return Cover([*_modules(modules), *_mappings(maps)])


def _modules(modules: Iterable[ModuleEntry]) -> Iterator[tuple[int, int, str]]:
    for module in modules:
        if module.get("path") and "module_size" in module:
            base = module["base_addr"]
            yield base, base + module["module_size"], module["path"]


def _mappings(maps: Iterable[Record]) -> Iterator[tuple[int, int, str]]:
    last: Record | None = None
    for vas_map in maps:
        last = vas_map
    for entry in last.get("entries", ()) if last is not None else ():
        if entry["mapped_path"]:
            base = entry["base_addr"]
            yield base, base + entry["region_size"], entry["mapped_path"]
