"""The fields of one layout as another layout has them: by their names, never by their numbers."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, singledispatch
from typing import Any

from ..abbreviated import abbreviated
from ..errors import ConformanceError
from ..schema import Code, Enumeration, FlagValue, Layout, Record, Table
from ..schema.base import Vocabulary
from ..schema.choice import Choice
from ..schema.layout import REST
from ..schema.names import snake_case
from ..schema.values import PaddedBytes, StoredText
from ..schema.variable import RegisterValue
from ..schema.vocabulary import Coded, Flags, Reserved, Uuid
from ..source import Extent

__all__ = ["Translation", "independent"]

Tell = Callable[[str, str, str], None]
"""Told of what is lost: the kind of loss, the path of the field, and what it is."""

_NIL = uuids.UUID(int=0)
_FALLBACKS = ("other", "unknown", "unspecified")
_SHOWN = 8


@lru_cache(maxsize=1024)
def independent(layout: Layout) -> Mapping[str, Vocabulary]:
    """The fields that say something of their own: neither lengths and counts nor reserved bytes."""
    follows: set[str] = set()
    for field in layout.fields:
        read = {snake_case(name) for name, _ in field.type.reads()}
        follows |= read - set(field.type.chosen_by)
    return {
        field.key: field.type
        for field in layout.fields
        if field.key not in follows and not isinstance(field.type, Reserved)
    }


@lru_cache(maxsize=1024)
def _kinds(layout: Layout) -> Mapping[str, Vocabulary]:
    return {field.key: field.type for field in layout.fields}


class Translation:
    """Turns records of one schema into the fields of another one.

    A code and a flag go by their names, since producers disagree about the numbers. What the
    target has no name for becomes its ``other`` or ``unknown``, and is told of.

    Args:
        tell: told of everything that is lost.
        renamed: BlockUUIDs that the new file has others for, by their bytes.
        turned: whether the byte orders of the two files differ.
        registries: what readers take a code for that the target's draft gives no name.
    """

    def __init__(
        self,
        tell: Tell,
        renamed: Mapping[bytes, uuids.UUID],
        turned: bool,
        registries: Mapping[str, Enumeration],
    ) -> None:
        self._tell = tell
        self._renamed = renamed
        self.turned = turned
        self._registries = registries

    def fields(self, record: Record, source: Layout, target: Layout, path: str = "") -> Record:
        """What the target's layout takes of a record; lengths, counts and zeros follow from it."""
        found = Record()
        wanted, kinds = independent(target), _kinds(source)
        for key, kind in wanted.items():
            if key in record:
                where = f"{path}{key}"
                found[key] = self._value(record[key], kinds.get(key), kind, where)
        self._left_over(record, source, wanted, path)
        return found

    def _left_over(
        self, record: Record, source: Layout, wanted: Mapping[str, Vocabulary], path: str
    ) -> None:
        own, kinds = independent(source), _kinds(source)
        for key, value in record.items():
            where = f"{path}{key}"
            if key in wanted or key == REST:
                continue
            if key in own:
                if _says_something(value):
                    self._tell("draft", where, f"there is no such field for {_shown(value)}")
            elif isinstance(kinds.get(key), Reserved) and _says_something(value):
                self._tell("form", where, f"reserved bytes are not zero: {_shown(value)}")
        if record.damage is not None:
            self._tell("damage", f"{path}{record.damage.field}", f"payload {record.damage}")
        rest = record.get(REST)
        if record.damage is None and rest is not None and _any(rest):
            self._tell("form", f"{path}{REST}", f"{len(rest)} bytes behind the last field")

    def _value(self, value: Any, source: Vocabulary | None, target: Vocabulary, where: str) -> Any:
        nameless = isinstance(source, Coded) and not isinstance(target, Coded)
        registry = self._registries.get(source.registry_name or "") if source else None
        if nameless and registry is not None:
            return self.code(value, registry, where)
        return _as(target, value, source, where, self)

    def code(self, value: int, registry: Enumeration, where: str) -> int:
        """The number that the target has for what a code means."""
        name = value.name if isinstance(value, Code) and value.known else None
        registered = {one.name: one.code for one in registry.values}
        number = registered.get(name, -1) if name is not None else int(value)
        if registry.permits(number):
            return number
        told = f"{name} ({int(value)})" if name is not None else f"{int(value):#x}"
        for fallback in _FALLBACKS:
            if fallback in registered:
                text = f"{told}: {registry.name} has no such code, it becomes {fallback}"
                self._tell("draft", where, text)
                return registered[fallback]
        return int(value)  # whoever checks the record says what is wrong with it

    def flags(self, value: int, target: Flags, where: str) -> int:
        """The bits that the target has a name for."""
        names = value.names if isinstance(value, FlagValue) else target.word.names(value)
        found, lost = 0, []
        for name in names:
            try:
                mask = target.word.encode([name])
            except ValueError:
                mask = 0
            if mask and not mask & ~target.word.defined:
                found |= mask
            else:
                lost.append(name)
        if lost:
            text = f"{', '.join(lost)}: {target.word.name} has no such bit"
            self._tell("draft", where, text)
        return found

    def text(self, value: StoredText, where: str) -> str:
        """The text up to its NUL; what stands behind it, and is no UTF-8, is lost."""
        text = str(value).partition("\0")[0]
        if value.raw.rstrip(b"\0") != text.encode("utf-8", "surrogatepass"):
            raw = value.raw[: _SHOWN * 8].hex()
            self._tell("form", where, f"stored as {raw}, which is no text with one NUL")
        return text

    def unpadded(self, value: bytes, where: str) -> bytes:
        """Bytes without the padding that they were stored with."""
        if isinstance(value, PaddedBytes):
            self._tell("form", where, "its padding is not zero")
        return bytes(value)

    def uuid(self, value: uuids.UUID) -> uuids.UUID:
        """What the new file calls a block."""
        return value if value == _NIL else self._renamed.get(value.bytes, value)

    def body(self, value: Any, target: Choice, where: str) -> Any:
        """A body whose layout an earlier field chooses.

        Raises:
            ConformanceError: the target has none of this name.
        """
        if not isinstance(value, Record):
            return bytes(value) if isinstance(value, Extent) else value
        layout = getattr(value, "layout", None)
        case = next(
            (c for c in target.cases.values() if layout is not None and c.key == layout.key), None
        )
        if layout is None or case is None:
            raise ConformanceError(f"{where}: there is no such row")
        return self.fields(value, layout, case, f"{where}.")

    def entries(
        self, value: Iterable[Record], source: Vocabulary | None, target: Layout, where: str
    ) -> list[Record]:
        """Rows of a table, but for those that the target forbids."""
        inner = source.inner().get(None) if source is not None else None
        assert isinstance(inner, Layout)
        found = []
        for index, entry in enumerate(value):
            at = f"{where}[{index}]"
            try:
                fields = self.fields(entry, inner, target, f"{at}.")
                problem = next(iter(target.problems_of(target.complete(fields))), None)
                reason = "" if problem is None else f"{problem[0]}: {problem[1]}"
            except ConformanceError as error:
                reason = str(error)
            if reason:
                self._tell("draft", at, f"must not be written: {reason}")
            else:
                found.append(fields)
        return found


@singledispatch
def _as(
    kind: Vocabulary, value: Any, source: Vocabulary | None, where: str, by: Translation
) -> Any:
    """A value as a field of this kind has it."""
    if isinstance(value, StoredText):
        return by.text(value, where)
    if isinstance(value, PaddedBytes):
        return by.unpadded(value, where)
    return value


@_as.register
def _(kind: Coded, value: Any, source: Vocabulary | None, where: str, by: Translation) -> Any:
    return int(value) if kind.valid is not None else by.code(value, kind.registry, where)


@_as.register
def _(kind: Flags, value: Any, source: Vocabulary | None, where: str, by: Translation) -> Any:
    return by.flags(value, kind, where)


@_as.register
def _(kind: Uuid, value: Any, source: Vocabulary | None, where: str, by: Translation) -> Any:
    return by.uuid(value)


@_as.register
def _(kind: Choice, value: Any, source: Vocabulary | None, where: str, by: Translation) -> Any:
    return by.body(value, kind, where)


@_as.register
def _(kind: Table, value: Any, source: Vocabulary | None, where: str, by: Translation) -> Any:
    return by.entries(value, source, kind.entry, where)


@_as.register
def _(
    kind: RegisterValue, value: Any, source: Vocabulary | None, where: str, by: Translation
) -> Any:
    found = by.unpadded(value, where)
    return found[::-1] if by.turned else found


def _says_something(value: Any) -> bool:
    """Whether a value is more than the zeros that stand where nothing is known."""
    if isinstance(value, Extent):
        return _any(value)
    if isinstance(value, (bytes, bytearray)):
        return any(value)
    if isinstance(value, uuids.UUID):
        return value != _NIL
    return bool(value)


def _any(value: bytes | Extent) -> bool:
    if isinstance(value, Extent):
        return any(any(piece) for piece in value.chunks())
    return any(value)


def _shown(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[: _SHOWN * 4]).hex() + ("..." if len(value) > _SHOWN * 4 else "")
    if isinstance(value, Extent):
        return f"of {value.length} bytes"
    return abbreviated(value)
