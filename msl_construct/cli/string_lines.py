"""Lines of very many strings: what stands in front of the texts is filled in for all at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from ..analysis import Locations, StringBlock
from ..analysis.hits import Hit
from ..analysis.matching import SHOWN
from .hit_rows import WHERE, HitLines
from .text import printable

__all__ = ["StringLines"]

_FEW = 16
"""Strings that are not worth arrays."""
_AT_ONCE = 1 << 14
_STEPS = {"ascii": (0, 1), "utf-16-le": (0, 2), "utf-16-be": (1, 2)}
"""Which bytes of a string are its characters."""
_TAB = 9
_AS_IT_IS = "surrogatepass"


class StringLines:
    """What `HitLines` makes of strings one by one.

    Args:
        lines: without colour. Of a region or module they make lines that are the same but for the
            address, the offset and the text.
        places: says where a string is.
    """

    def __init__(self, lines: HitLines, places: Locations) -> None:
        self._lines, self._places = lines, places

    def __call__(self, block: StringBlock) -> str:
        """The lines."""
        parts = (block.part(at, at + _AT_ONCE) for at in range(0, len(block), _AT_ONCE))
        return "\n".join(map(self._some, parts))

    def _some(self, block: StringBlock) -> str:
        """Those of so many that their arrays are small."""
        if len(block) < _FEW:
            return "\n".join(self._lines.line(self._hit(block, row)) for row in range(len(block)))
        parts = [b""] * (2 * len(block))
        parts[::2] = [head for some in self._heads(block) for head in some]
        parts[1::2] = self._texts(block)
        # Each head begins with the end of the line in front of it.
        return (b"".join(parts)[2:] + b'"').decode("utf-8", _AS_IT_IS)

    def _hit(self, block: StringBlock, row: int) -> Hit:
        start, end = int(block.starts[row]), int(block.ends[row])
        kind = block.encodings[block.kinds[row]]
        data = bytes(block.data[start : min(end, start + SHOWN)])
        return self._made(block.address + start, end - start, kind, data)

    def _made(self, address: int, length: int, kind: str, data: bytes) -> Hit:
        where = self._places.at(address)
        return Hit(address, length, data, kind, "", where, b"", b"", data.decode(kind))

    @cached_property
    def _numpy(self) -> Any:
        import numpy  # type: ignore[import-not-found, unused-ignore]

        return numpy

    @cached_property
    def _pairs(self) -> Any:
        """The two digits of each byte."""
        text = b"".join(b"%02x" % byte for byte in range(256))
        return self._numpy.frombuffer(text, self._numpy.uint16)

    def _digits(self, numbers: Any) -> Any:
        """Sixteen digits of each number, a row each."""
        stored = numbers.astype(">u8").view(self._numpy.uint8)
        return self._pairs[stored].view(self._numpy.uint8).reshape(len(numbers), 16)

    def _heads(self, block: StringBlock) -> Iterator[list[bytes]]:
        """What stands in front of each text, from the last quote of the line before."""
        numpy, starts = self._numpy, block.starts
        numbers = starts.astype(numpy.uint64) + numpy.uint64(block.address)
        addresses = self._digits(numbers)
        at = 0
        while at < len(starts):
            address = block.address + int(starts[at])
            samples = [self._made(address, 0, kind, b"") for kind in block.encodings]
            heads = [
                numpy.frombuffer(b'"\n' + _encoded(self._lines.line(one)[:-1]), numpy.uint8)
                for one in samples
            ]
            end, digits, base = self._offset(samples[0])
            behind = self._places.span(address)[1]
            if digits:  # and as long as there are as many
                behind = min(behind, base + 16**digits)
            stop = int(numpy.searchsorted(starts, min(behind - block.address, len(block.data))))
            rows = numpy.empty((stop - at, len(heads[0])), numpy.uint8)
            rows[:] = heads[0]
            for number, head in enumerate(heads[1:], 1):
                rows[block.kinds[at:stop] == number] = head
            rows[:, 4:20] = addresses[at:stop]  # behind a quote, a newline and 0x
            if digits:
                offsets = self._digits(numbers[at:stop] - numpy.uint64(base))
                rows[:, end - digits : end] = offsets[:, 16 - digits :]
            yield rows.view(f"S{rows.shape[1]}").ravel().tolist()
            at = stop

    def _offset(self, hit: Hit) -> tuple[int, int, int]:
        """Where in a head its offset ends, of how many digits, and from which address it counts."""
        name, offset = self._lines.place(hit)
        padded = len(name + offset.ljust(WHERE - len(name)))
        # A head has two bytes in front of the line, and lacks the quote that ends it.
        behind = len('  ""') + padded - len(name + offset)
        end = len('"\n') + len(_encoded(self._lines.line(hit))) - behind
        digits = max(0, len(offset) - len("+0x"))
        return end, digits, hit.address - int(offset[1:] or "0", 16)

    @cached_property
    def _tab(self) -> bytes:
        """The only character of a string that is not shown as it is."""
        return _encoded(printable("\t"))

    def _texts(self, block: StringBlock) -> list[bytes]:
        numpy, starts, ends, kinds = self._numpy, block.starts, block.ends, block.kinds
        data = bytes(block.data)
        shown = numpy.minimum(ends, starts + SHOWN)
        if kinds.any() or block.encodings[0] != "ascii":
            steps = [_STEPS[one] for one in block.encodings]
            rows = zip(starts.tolist(), shown.tolist(), kinds.tolist())
            texts = [data[at + steps[kind][0] : to : steps[kind][1]] for at, to, kind in rows]
        else:
            texts = [data[at:to] for at, to in zip(starts.tolist(), shown.tolist())]
        tabs = numpy.flatnonzero(numpy.frombuffer(data, numpy.uint8) == _TAB)
        tabbed = numpy.searchsorted(tabs, starts) < numpy.searchsorted(tabs, shown)
        for row in numpy.flatnonzero(tabbed).tolist():
            texts[row] = texts[row].replace(b"\t", self._tab)
        for row in numpy.flatnonzero(shown < ends).tolist():
            texts[row] = _encoded(self._lines.what(self._hit(block, row))[1:-1])
        return texts


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", _AS_IT_IS)
