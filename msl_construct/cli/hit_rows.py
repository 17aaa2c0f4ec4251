"""Hits as rows: for people as wide as the terminal is, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from .text import Style, as_json, begun, printable, shortened, width_of_text

if TYPE_CHECKING:
    from ..analysis import Hit, Location

__all__ = ["WHERE", "HitLines", "hit_row", "place_json"]

_REMEMBERED = 1024
"""Names of modules."""
_SHOWN = 32
"""Bytes of a hit on its line."""
WHERE = 32
"""Columns that the place has at least, in lines that are as long as they are."""
_GIVEN = ("text", "utf16", "base64", "reversed")
"""Kinds of hits whose text is what was looked for."""
_CONTEXT = 16
"""Characters of what is next to a hit, on each side."""
_FULL_ADDRESS, _ADDRESS = 18, 14
"""Columns: of 64 bits, and of the 48 that programs have."""
_RIGHTS = 3
_LEAST = 8
"""Columns that a name, and what was found, have at least."""


def hit_row(form: str, style: Style, kinds: Iterable[str] = ()) -> Callable[[Hit], str]:
    """What makes rows of hits.

    Args:
        form: ``json``, ``ndjson`` or ``text``.
        style: for people: with how many columns; None: lines are as long as they are.
        kinds: of the hits, as far as they are known before; empty: names of rules.
    """
    if form != "text":
        return lambda hit: as_json(_hit_json(hit))
    return HitLines(style).line if style.columns is None else _FittedLines(style, kinds).line


def place_json(place: Location) -> dict[str, object]:
    """Where something is, as every command prints it."""
    region, module = place.region, place.module
    return {
        "region": None
        if region is None
        else {
            "base_addr": f"{region.base_addr:#x}",
            "protection": list(region.protection),
            "region_type": region.region_type,
            "name": region.name,
        },
        "module": None
        if module is None
        else {"path": module.path, "offset": f"{module.offset:#x}"},
    }


def _hit_json(hit: Hit) -> dict[str, object]:
    row: dict[str, object] = {
        "address": f"{hit.address:#x}",
        "length": hit.length,
        "bytes": hit.data.hex(),
        "text": hit.text,
        "kind": hit.kind,
        "pattern": hit.pattern or None,
        **({} if hit.rule is None else {"rule": hit.rule}),
        **place_json(hit.location),
        "before": hit.before.hex(),
        "after": hit.after.hex(),
    }
    if hit.value is not None:
        row["value"] = f"{hit.value:#x}"
    return row


class HitLines:
    """Hits as lines: ``address  rights  kind  where  what``, as long as they are."""

    def __init__(self, style: Style) -> None:
        # Imported once, and asked once for each region: there are many lines.
        from ..analysis.addresses import file_name
        from ..analysis.locations import rights

        self._style = style
        self._file_name = lru_cache(_REMEMBERED)(lambda path: printable(file_name(path)))
        self._rights = rights
        self._region: object = None
        self._letters, self._label, self._base, self._marked = "---", "-", 0, False

    def line(self, hit: Hit) -> str:
        """One of them."""
        name, offset = self.place(hit)
        where = f"{name}{offset}"
        letters, what = self._letters, self.what(hit)
        head, kind = f"{hit.address:#018x}", self._kind(hit)
        if not self._style.color:
            return f"{head}  {letters}  {kind:<9}  {where:<{WHERE}}  {what}".rstrip()
        where, what = self._painted(where.ljust(WHERE), what)
        return f"{head}  {self._colored_rights(letters)}  {kind:<9}  {where}  {what}"

    def place(self, hit: Hit) -> tuple[str, str]:
        """What is there, and how far from its beginning."""
        place, address = hit.location, hit.address
        region, module = place.region, place.module
        if region is not self._region:
            self._region = region
            self._letters, self._label, self._marked = "---", "-", False
            if region is not None:
                words, self._base = region.label
                self._letters, self._label = self._rights(region.protection), printable(words)
                self._marked = {"write", "execute"} <= set(region.protection)
        if module is not None:
            return self._file_name(module.path), f"+{module.offset:#x}"
        if region is not None:
            return self._label, f"+{address - self._base:#x}"
        return "-", ""

    def _kind(self, hit: Hit) -> str:
        return hit.kind if hit.rule is None else printable(f"{hit.rule} {hit.pattern}".strip())

    def what(self, hit: Hit) -> str:
        """What was found: of a long one the first."""
        if hit.value is not None:
            return f"-> {hit.value:#x}"
        if hit.text is not None:
            whole = hit.length <= len(hit.data) or hit.kind in _GIVEN
            return f'"{printable(hit.text)}{"" if whole else "…"}"'
        return hit.data[:_SHOWN].hex() + ("…" if hit.length > _SHOWN else "")

    def _colored_rights(self, letters: str) -> str:
        return self._style.paint(letters, fg="red", bold=True) if self._marked else letters

    def _painted(self, where: str, what: str) -> tuple[str, str]:
        return self._style.paint(where, fg="cyan"), self._style.paint(what, bold=True)


class _FittedLines(HitLines):
    """The same in so many columns: what does not fit is shortened, with a mark.

    Args:
        style: with a number of columns.
        kinds: see `hit_row`.
    """

    def __init__(self, style: Style, kinds: Iterable[str]) -> None:
        super().__init__(style)
        columns = style.columns or 0
        self._columns = columns
        self._address = _ADDRESS if style.narrow else _FULL_ADDRESS
        self._kinds = max((len(kind) for kind in kinds), default=columns // 5)
        self._where = 22 if style.narrow else 44 if style.wide else 32
        left = columns - self._address - 2 - _RIGHTS - 2
        if left < self._kinds + 2 + self._where + 2 + _LEAST:
            self._kinds = 0
            self._where = max(_LEAST, min(self._where, left // 2 - 2))

    def line(self, hit: Hit) -> str:
        """One of them."""
        unicode = self._style.unicode
        name, offset = self.place(hit)
        letters = self._letters
        head = f"{hit.address:#0{self._address}x}"
        kind = f"{shortened(self._kind(hit), self._kinds, unicode):<{self._kinds}}  "
        if not self._kinds:
            kind = ""
        room = self._columns - len(head) - len(letters) - len(kind) - self._where - 6
        what = begun(self.what(hit), max(1, room), unicode)
        where = _filled(self._named(name, offset, unicode), self._where)
        before, after = self._around(hit, what, room)
        if self._style.color:
            where, what = self._painted(where, what)
            letters = self._colored_rights(letters)
        return f"{head}  {letters}  {kind}{where}  {before}{what}{after}".rstrip()

    def _named(self, name: str, offset: str, unicode: bool) -> str:
        """Where something is: rather less of the name than of the offset."""
        left = self._where - len(offset)
        if left < _LEAST // 2:
            return begun(f"{name}{offset}", self._where, unicode)
        return f"{shortened(name, left, unicode)}{offset}"

    def _around(self, hit: Hit, what: str, room: int) -> tuple[str, str]:
        """What is next to a hit, where there is room for it: of strings it is no string."""
        size = width_of_text(what)
        if room < size + 2 * _CONTEXT or hit.value is not None or (hit.text and not hit.pattern):
            return "", ""
        before, after = _letters(hit.before), _letters(hit.after)
        return before.rjust(_CONTEXT), after


def _filled(text: str, width: int) -> str:
    return text + " " * (width - width_of_text(text))


def _letters(data: bytes) -> str:
    """Bytes as a hexdump shows them."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
