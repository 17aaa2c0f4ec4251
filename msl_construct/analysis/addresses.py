"""Addresses as people write them.

====================  =============================================================
``0x7ffc0010``        a number, decimal as well
``libc.so.6+0x10``    a module, by its path, or by its file name if no other has it
``[heap]+0x10``       the first mapping of this name, or region of this type
``region:0x7f00+16``  the region that covers an address, from its start
``reg:rip``           a register of the current thread
``reg:rsp@4243-8``    of a thread by its number
====================  =============================================================

Each may have a number added or taken away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from ..abbreviated import abbreviated
from ..errors import AddressError
from ..reader.dump import Dump
from ..schema import ByteOrder, Record

if TYPE_CHECKING:
    from ..records import ThreadContext

__all__ = ["Addresses", "file_name", "pointer_width"]

_MOST = 1 << 64
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")
_OFFSET = re.compile(r"(?s)(.+?)([+-])(0[xX][0-9a-fA-F]+|[0-9]+)")
_LISTED = 5
_OF_32_BITS = ("x86", "arm32", "mips32", "riscv32")


def pointer_width(dump: Dump) -> int:
    """Bytes of a pointer of the target."""
    return 4 if dump.header.record["arch_type"].name in _OF_32_BITS else 8


@lru_cache
def file_name(path: str) -> str:
    """The last part of a path of any system."""
    return re.split(r"[/\\]", path)[-1]


class Addresses:
    """What addresses mean in a dump.

    Args:
        dump: whose modules, mappings, regions and threads have names.
    """

    def __init__(self, dump: Dump) -> None:
        self._dump = dump

    def address(self, text: str) -> int:
        """The address that is meant.

        Raises:
            AddressError: nothing in the dump is called so, or more than one thing.
        """
        found = self._named(text)
        if found is None:
            parts = _OFFSET.fullmatch(text)
            found = None if parts is None else self._named(parts[1])
            if parts is None or found is None:
                raise self._unknown(text)
            offset = _number(parts[3])
            found += offset if parts[2] == "+" else -offset
        if not 0 <= found < _MOST:
            raise AddressError(f"{abbreviated(text)}: expected an address of 64 bits")
        return found

    def label(self, base: int, name: str) -> tuple[str, int]:
        """Words for a region, and the address that an offset behind them is counted from.

        `address` takes them with an offset: of a name that stands for another place, they end
        with the region's own address.

        Args:
            base: of the region.
            name: what it is called.
        """
        short = file_name(name) or name
        for text in dict.fromkeys((short, name)):
            try:
                found = self._named(text)
            except AddressError:  # more than one is called so
                continue
            same = found == base or name in self._mapped_names or not name.startswith("[")
            if found is not None and found <= base and same:
                return text, found
        return f"{short} {base:#x}", base

    def range(self, text: str) -> tuple[int, int]:
        """First address and the one behind the last of ``A..B``, ``A+N`` not being one of them.

        Raises:
            AddressError: it is none, or ends before it begins.
        """
        first, dots, behind = text.partition("..")
        if not dots:
            raise AddressError(f"{abbreviated(text)}: expected a range, as in 0x1000..0x2000")
        start, end = self.address(first), self.address(behind)
        if start > end:
            raise AddressError(f"{abbreviated(text)}: the range ends before it begins")
        return start, end

    # -- what has a name ---------------------------------------------------------------

    def _named(self, text: str) -> int | None:
        if _NUMBER.fullmatch(text):
            return _number(text)
        if text.startswith("region:"):
            return self._region(text)
        if text.startswith("reg:"):
            return self._register(text)
        return self._module(text) if not text.startswith("[") else self._mapping(text)

    def _region(self, text: str) -> int | None:
        number = text.removeprefix("region:")
        if not _NUMBER.fullmatch(number):
            return None
        region = self._dump.memory.region_at(_number(number))
        if region is None:
            raise AddressError(f"{abbreviated(text)}: no region covers this address")
        return region.base_addr

    def _mapping(self, text: str) -> int | None:
        found = [base for base, name in self._mappings if name == text]
        if not found and text.endswith("]"):
            kind = text[1:-1]
            found = [r.base_addr for r in self._dump.regions if r.region_type.name == kind]
        return min(found, default=None)

    @cached_property
    def _mappings(self) -> list[tuple[int, str]]:
        last: Record | None = None
        for block in self._dump.capture_blocks.of_type("vas_map"):
            last = block.payload
        entries = last.get("entries", ()) if last is not None else ()
        return [(one["base_addr"], one["mapped_path"]) for one in entries if one["mapped_path"]]

    @cached_property
    def _mapped_names(self) -> frozenset[str]:
        return frozenset(name for _, name in self._mappings)

    @cached_property
    def _modules(self) -> list[tuple[int, str]]:
        return [
            (one["base_addr"], one["path"])
            for one in self._dump.modules
            if one.get("path") and "base_addr" in one
        ]

    def _module(self, text: str) -> int | None:
        same = (
            lambda path: path == text,
            lambda path: file_name(path) == text,
            lambda path: file_name(path).lower() == text.lower(),
        )
        for are_same in same:
            found = sorted({base for base, path in self._modules if are_same(path)})
            if len(found) > 1:
                listed = ", ".join(f"{base:#x}" for base in found[:_LISTED])
                raise AddressError(
                    f"{abbreviated(text)}: {len(found)} modules are called so, at {listed}: give "
                    "the path, or an address"
                )
            if found:
                return found[0]
        mapped = [base for base, name in self._mappings if text in (name, file_name(name))]
        return min(mapped, default=None)

    def _register(self, text: str) -> int | None:
        name, _, number = text.removeprefix("reg:").partition("@")
        if number and not _NUMBER.fullmatch(number):
            return None
        thread = self._thread(_number(number) if number else None)
        if thread is None:
            return None
        for register in thread.get("registers", ()):
            if register["name"] == name:
                value = register["value"]
                if len(value) > 8:
                    raise AddressError(f"reg:{name}: {len(value)} bytes are no address")
                little = self._dump.schema.byte_order is ByteOrder.LITTLE
                return int.from_bytes(value, "little" if little else "big")
        if not _OFFSET.fullmatch(text):
            known = ", ".join(one["name"] or "" for one in thread.get("registers", ()))
            raise AddressError(
                f"reg:{abbreviated(name)}: thread {thread['thread_id']} has no such register; it "
                f"has {known or 'none'}"
            )
        return None

    def _thread(self, number: int | None) -> ThreadContext | None:
        threads = [one for one in self._dump.threads if "thread_id" in one]
        if number is not None:
            found = next((one for one in threads if one["thread_id"] == number), None)
            if found is None and threads:
                some = ", ".join(str(one["thread_id"]) for one in threads[:_LISTED])
                more = ", …" if len(threads) > _LISTED else ""
                raise AddressError(f"no thread has the number {number}; there are {some}{more}")
            return found
        current = [one for one in threads if "flags" in one and "current" in one["flags"].names]
        if len(current) == 1 or len(threads) == 1:
            return (current or threads)[0]
        if threads:
            raise AddressError(
                f"{len(current) or 'none'} of {len(threads)} threads is the current one: name a "
                "thread, as in reg:rip@TID"
            )
        return None

    def _unknown(self, text: str) -> AddressError:
        names = ", ".join(self._some_names())
        return AddressError(
            f"{abbreviated(text)}: nothing in the dump is called so; expected a number, a module "
            f"(+0x10), region:ADDRESS, [heap], reg:NAME or reg:NAME@TID"
            + (f"; modules are {names}" if names else "")
        )

    def _some_names(self) -> Iterator[str]:
        for index, (_, path) in enumerate(self._modules):
            if index == _LISTED:
                yield "…"
                return
            yield abbreviated(file_name(path))


def _number(text: str) -> int:
    """A number of any length costs no more than one that is too large."""
    if text[:2] in ("0x", "0X"):
        return int(text, 16) if len(text) <= 64 else _MOST
    return int(text) if len(text) <= 64 else _MOST
