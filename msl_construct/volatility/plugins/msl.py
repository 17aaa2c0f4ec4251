"""Memory Slices in Volatility 3: a layer of the process's captured memory, and what stands in it.

Volatility imports this file from the folder that ``msl volatility-path`` prints, and finds the
layer, the stacker and the plugins by their base classes. What was not captured is not in the layer.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

from volatility3.framework import exceptions, interfaces, renderers
from volatility3.framework.configuration import requirements
from volatility3.framework.layers import segmented
from volatility3.framework.renderers import format_hints

import msl_construct
from msl_construct.codecs.inflate import InflatedSource
from msl_construct.errors import MslError
from msl_construct.source import Extent

_MAGIC = b"MEMSLICE"
_ARCHITECTURES = {"x86_64": "Intel64", "x86": "Intel32"}
"""What Volatility's scanners of memory ask for."""

_VERSION = (2, 0, 0)


class _LayerFile(io.RawIOBase):
    """The bytes of a layer as a file."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._size = int(layer.maximum_address) + 1
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted: int = min(len(buffer), max(0, self._size - self._at))
        buffer[:wanted] = self._layer.read(self._at, wanted)
        self._at += wanted
        return wanted


class MslLayer(segmented.SegmentedLayer):
    """The captured memory of a dump, by virtual address."""

    def __init__(self, context: Any, config_path: str, name: str) -> None:
        layer = context.layers[
            context.config[interfaces.configuration.path_join(config_path, "base_layer")]
        ]
        try:
            self.dump = msl_construct.open(io.BufferedReader(_LayerFile(layer)))
            self.dump.require_key()
        except MslError as error:
            raise exceptions.LayerException(name, str(error)) from error
        architecture = self.dump.header.record["arch_type"].name
        found = _ARCHITECTURES.get(architecture)
        super().__init__(
            context, config_path, name, metadata={"architecture": found} if found else {}
        )

    def _load_segments(self) -> None:
        found: list[tuple[int, int, int, int]] = []
        end = 0
        for start, offset, length in sorted(self._runs()):
            if start + length <= end:
                continue
            skipped = max(0, end - start)
            size = length - skipped
            found.append((start + skipped, offset + skipped, size, size))
            end = start + length
        if not found:
            raise exceptions.LayerException(self.name, "no memory was captured")
        self._segments = found

    def _runs(self) -> Iterator[tuple[int, int, int]]:
        """Address, offset in the file and length of captured stretches."""
        for region in self.dump.regions:
            for fragment in region.fragments:
                if isinstance(fragment.data.source, InflatedSource) or self.dump.unlocked:
                    raise exceptions.LayerException(
                        self.name,
                        "the dump is compressed: msl convert writes it without compression",
                    )
                for address, length, state, offset in fragment.runs(fragment.base, fragment.end):
                    if state == "captured":
                        yield address, fragment.data.offset + offset, length


class MslStacker(interfaces.automagic.StackerLayerInterface):
    """Recognises a dump by its first eight bytes."""

    stack_order = 5

    @classmethod
    def stack(
        cls, context: Any, layer_name: str, progress_callback: Callable[..., None] | None = None
    ) -> Any:
        layer = context.layers[layer_name]
        try:
            if layer.read(0, len(_MAGIC)) != _MAGIC:
                return None
        except exceptions.InvalidAddressException:
            return None
        name = context.layers.free_layer_name("MslLayer")
        path = interfaces.configuration.path_join("automagic", "layer_stacker", "stack", name)
        context.config[interfaces.configuration.path_join(path, "base_layer")] = layer_name
        return MslLayer(context, path, name)


class _Table(interfaces.plugins.PluginInterface):
    """A plugin that shows a table of the dump."""

    _required_framework_version = _VERSION
    _columns: tuple[tuple[str, type], ...] = ()

    @classmethod
    def get_requirements(cls) -> list[Any]:
        return [
            requirements.TranslationLayerRequirement(
                name="primary", description="A Memory Slice", architectures=None
            )
        ]

    def _dump(self) -> Any:
        layer = self.context.layers[self.config["primary"]]
        if not isinstance(layer, MslLayer):
            raise exceptions.LayerException(layer.name, "not a Memory Slice")
        return layer.dump

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        raise NotImplementedError

    def run(self) -> Any:
        return renderers.TreeGrid(list(self._columns), ((0, row) for row in self._rows()))


def _number(value: Any, order: str) -> int:
    """A register's value, stored in the byte order of the dump."""
    data = value.view() if isinstance(value, Extent) else value
    return int.from_bytes(bytes(data), "little" if order == "little" else "big")


class Regions(_Table):
    """Memory regions, with how many of their pages are in which state."""

    _columns = (
        ("Start", format_hints.Hex),
        ("End", format_hints.Hex),
        ("Protection", str),
        ("Type", str),
        ("States", str),
        ("Name", str),
    )

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        dump = self._dump()
        for region in sorted(dump.regions, key=lambda one: one.base_addr):
            states = " ".join(f"{state}:{count}" for state, count in region.counts.items() if count)
            yield (
                format_hints.Hex(region.base_addr),
                format_hints.Hex(region.end),
                "|".join(region.protection.names) or "-",
                region.region_type.name,
                states,
                dump.memory.name_of(region.base_addr) or "-",
            )


class Modules(_Table):
    """Modules of the process."""

    _columns = (("Base", format_hints.Hex), ("Size", format_hints.Hex), ("Path", str))

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        for module in self._dump().modules:
            if "module_size" in module:
                yield (
                    format_hints.Hex(module["base_addr"]),
                    format_hints.Hex(module["module_size"]),
                    module.get("path") or "-",
                )


class Threads(_Table):
    """Threads of the process, with program counter and stack pointer."""

    _columns = (
        ("TID", int),
        ("Name", str),
        ("State", str),
        ("PC", format_hints.Hex),
        ("SP", format_hints.Hex),
    )

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        dump = self._dump()
        unknown = renderers.NotAvailableValue()
        for thread in dump.threads:
            if "thread_id" not in thread:
                continue
            roles = {
                role: _number(register["value"], dump.schema.byte_order.value)
                for register in thread.get("registers", ())
                for role in register["flags"].names
            }
            yield (
                thread["thread_id"],
                thread.get("thread_name") or "-",
                thread["thread_state"].name,
                *(
                    format_hints.Hex(roles[key]) if key in roles else unknown
                    for key in ("pc", "sp")
                ),
            )
